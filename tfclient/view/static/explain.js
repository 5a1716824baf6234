// Why a step is what it is: sections of rows, each a step or words, with the steps that they come from.

import { button, el, visible } from "./dom.js";
import { findings, section, stepLink } from "./overview.js";

export function explained(model, told, select) {
  const link = ([id, name]) => button(visible(name), () => select(id, { push: true }), { class: "mini mono", "data-step": id });
  const row = (each) => {
    const about = each.about ? el("span", { class: each.warns ? "warns" : "quiet", text: ` ${visible(each.about)}` }) : null;
    if (each.step) return el("li", {}, stepLink(model, each.step, select), about);
    const words = el("span", { class: each.warns ? "warns" : "", dir: "auto", text: visible(each.text ?? "") });
    return el("li", { class: "wrap" }, words, each.sources ? [" ← ", ...each.sources.map(link)] : null, about);
  };
  return el("section", { class: "part explained", role: "group", "aria-label": "Explanation" },
    el("h3", { text: "Why" }), el("p", { class: "quiet", text: visible(told.about) }),
    told.findings.length ? section("Findings", findings(model, told.findings, select)) : null,
    ...told.sections.map(({ title, rows }) => section(title, el("ul", { class: "links" }, ...rows.map(row)))));
}
