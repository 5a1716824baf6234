// Elements from data. Recorded text only ever becomes text nodes and attribute values here, never markup.

/** Make an element; `props` are attributes, but for `text`, `on` (listeners) and `style` (custom properties too). */
export function el(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "text") element.textContent = value;
    else if (name === "on") for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    else if (name === "style") for (const [key, style] of Object.entries(value)) element.style.setProperty(key, style);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** A button that does one thing. */
export function button(label, action, props = {}) {
  return el("button", { type: "button", ...props, on: { click: action } }, label);
}

/** Replace what is in an element. */
export function fill(element, ...children) {
  element.replaceChildren(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f]/g;
const BIDI = /[\u202a-\u202e\u2066-\u2069\u200e\u200f\ufeff]/g;

/** Text as a person can judge it: characters that show nothing or turn the line around are named. */
export function visible(text) {
  return text
    .replaceAll("\r\n", "\n")
    .replace(CONTROLS, (c) => (c === "\u007f" ? "\u2421" : String.fromCharCode(0x2400 + c.charCodeAt(0))))
    .replace(BIDI, (c) => `\u27e8U+${c.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}\u27e9`);
}

/** The beginning of a text in one line. */
export function oneLine(text, length = 160) {
  const cut = text.slice(0, length * 3).replace(/\s+/g, " ").trim();
  return cut.length > length || text.length > length * 3 ? `${cut.slice(0, length)}…` : cut;
}

/** A status or remark that says something, if it does. */
export function mark(words, state = "") {
  return words ? el("span", { class: `state is-${state}`, text: visible(words) }) : null;
}

/** What a step is called everywhere, and what it is. */
export function named(step) {
  return [el("span", { class: "number", text: step.number }), el("span", { class: "tag", text: step.word })];
}

/** The sign of a step on which findings rest. */
export function sign(found) {
  return found ? el("span", { class: `found is-${found.severity}`, title: visible(found.words), "aria-label": visible(found.words), role: "img", text: "!" }) : null;
}

let live = null;

/** Say something to people who do not see the page, and briefly to those who do. */
export function announce(words) {
  if (live === null) {
    live = el("div", { class: "toast", role: "status", "aria-live": "polite" });
    document.body.append(live);
  }
  live.textContent = words;
  live.classList.add("is-shown");
  clearTimeout(announce.timer);
  announce.timer = setTimeout(() => live.classList.remove("is-shown"), 1800);
}

/** Put text on the clipboard and say so. */
export async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = el("textarea", { class: "offscreen", "aria-hidden": "true" });
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  announce(`${what} copied`);
}
