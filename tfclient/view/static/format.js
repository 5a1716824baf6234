// Figures as people read them. Times are milliseconds, as in the documents.

const NUMBER = new Intl.NumberFormat("en");

export function number(n) {
  return NUMBER.format(n);
}

export function counted(n, noun, plural = `${noun}s`) {
  return `${number(n)} ${n === 1 ? noun : plural}`;
}

export function duration(ms) {
  if (ms === null || ms === undefined || !Number.isFinite(ms)) return "";
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 9950 ? 1 : 0)} s`;
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 60) return `${minutes} min ${Math.round((ms % 60_000) / 1000)} s`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} days`;
}

export function bytes(n) {
  if (n < 1000) return `${n} bytes`;
  if (n < 1_000_000) return `${(n / 1000).toFixed(n < 10_000 ? 1 : 0)} kB`;
  return `${(n / 1_000_000).toFixed(1)} MB`;
}

export function age(iso, now = Date.now()) {
  const s = (now - Date.parse(iso)) / 1000;
  if (!Number.isFinite(s)) return "";
  if (s < 60) return "now";
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  if (s < 86_400) return `${Math.floor(s / 3600)} h`;
  return s < 86_400 * 365 ? `${Math.floor(s / 86_400)} d` : `${Math.floor(s / (86_400 * 365))} y`;
}

export function clock(iso) {
  return iso ? iso.replace("T", " ").replace("Z", " UTC") : "";
}

export function tokens(usage) {
  return usage && usage.total_tokens ? `${number(usage.total_tokens)} tok` : "";
}

export function joined(...parts) {
  return parts.filter(Boolean).join(" · ");
}

export function oneLine(text, length = 160) {
  const cut = text.slice(0, length * 3).replace(/\s+/g, " ").trim();
  return cut.length > length || text.length > length * 3 ? `${cut.slice(0, length)}…` : cut;
}
