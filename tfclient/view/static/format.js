// What this page itself counts, and words put in a line; what was recorded comes in words.

const NUMBER = new Intl.NumberFormat("en");

export function number(n) {
  return NUMBER.format(n);
}

export function counted(n, noun) {
  return `${number(n)} ${n === 1 ? noun : `${noun}s`}`;
}

export function joined(...parts) {
  return parts.filter(Boolean).join(" · ");
}
