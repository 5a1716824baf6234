// Markdown as elements: what there is was decided before it came here, and only what is named here is made.

import { el, visible } from "./dom.js";

const PLAIN = new Set(["p", "blockquote", "ul", "li", "thead", "tbody", "tr", "em", "strong", "s", "code"]);

export function markdownView(nodes) {
  return el("div", { class: "markdown", dir: "auto" }, ...nodes.map(drawn));
}

function drawn(node) {
  if (typeof node === "string") return visible(node);
  const [what, about, ...nodes] = node;
  const inside = nodes.map(drawn);
  if (PLAIN.has(what)) return el(what, { dir: what === "code" ? "ltr" : undefined }, ...inside);
  if (what === "h") return el("div", { role: "heading", "aria-level": String(Math.min(6, about.level + 3)), class: `md-h${about.level}`, dir: "auto" }, ...inside);
  if (what === "pre") return el("pre", { dir: "ltr" }, about.language ? el("span", { class: "quiet md-language", text: visible(about.language) }) : null, el("code", {}, ...inside));
  if (what === "ol") return el("ol", { start: about.start }, ...inside);
  if (what === "table") return el("div", { class: "md-table", tabindex: "0", role: "group", "aria-label": "Table" }, el("table", {}, ...inside));
  if (what === "th" || what === "td") return el(what, { class: about.align ? `is-${about.align}` : undefined }, ...inside);
  if (what === "hr") return el("hr");
  if (what === "a") return link(about, inside);
  return el("span", {}, ...inside);
}

/** A link that says where it leads, and takes nothing along of this page. */
function link({ href, to, title }, inside) {
  const where = visible(href ?? to);
  const words = el("span", {}, ...inside);
  const shown = words.textContent === where || where === `mailto:${words.textContent}` ? null : el("span", { class: "quiet wrap", text: ` (${where})` });
  if (!href) return el("span", { title }, words, shown);
  return el("span", {}, el("a", { href, title: title ? visible(title) : where, target: "_blank", rel: "noopener noreferrer nofollow external" }, words), shown);
}
