// What a session comes to, where no step is selected: what went wrong first, then figures.

import { button, el, named, visible } from "./dom.js";
import { number } from "./format.js";
import { treeView } from "./values.js";

export function facts(rows) {
  return el("dl", { class: "facts" }, ...rows.flatMap(([name, value]) => [el("dt", { text: name }), el("dd", {}, el("span", { text: visible(value) }))]));
}

export function section(title, ...content) {
  return el("section", { class: "part" }, title ? el("h3", { text: visible(title) }) : null, ...content);
}

export function overview(model, { select }) {
  const { about, document, failed } = model;
  const parts = [el("header", { class: "panel-head" }, el("h2", { class: "panel-title", tabindex: "-1", text: "This session" }))];
  if (failed.length) {
    parts.push(section("What went wrong", el("ul", { class: "links" }, ...failed.slice(0, 20).map((step) => el("li", {}, stepLink(model, step.id, select))),
      failed.length > 20 ? el("li", { class: "quiet", text: `and ${number(failed.length - 20)} more` }) : null)));
  }
  const { list, missed } = model.found;
  if (list.length || missed.length) {
    parts.push(section("Findings", findings(model, list, select), ...missed.map((words) => el("p", { class: "quiet", text: visible(words) }))));
  }
  parts.push(section("Figures", facts(about.facts)));
  if (about.tools) {
    const rows = about.tools.map(([name, calls, errors, took]) => el("tr", {}, el("td", { text: visible(name) }), el("td", { class: "figure", text: calls }), el("td", { class: "figure bad", text: errors }), el("td", { class: "figure", text: took })));
    parts.push(section("Tools", el("table", {}, el("thead", {}, el("tr", {}, ...["tool", "calls", "errors", "time"].map((name) => el("th", { scope: "col", text: name })))), el("tbody", {}, ...rows))));
  }
  if (about.notes) parts.push(section("About the record", el("ul", {}, ...about.notes.map((note) => el("li", { text: visible(note) })))));
  for (const [name, value] of [["Metadata", document.metadata], ["Runtime", document.runtime]]) {
    if (value && Object.keys(value).length) parts.push(section(name, treeView(value, { depth: 1 })));
  }
  return parts;
}

/** Findings in a list: what each says, and the steps that it rests on. */
export function findings(model, list, select) {
  const item = (each) => el("li", { class: `finding is-${each.severity}`, "data-finding": each.id },
    el("p", { class: "finding-head" }, el("span", { class: "severity", text: each.severity }), " ", el("b", { text: each.kind }), each.about ? el("span", { class: "quiet", text: ` · ${each.about}` }) : null),
    el("p", { class: "wrap", dir: "auto", text: visible(each.says) }),
    el("p", { class: "finding-steps" }, ...each.steps.map(([id, name]) => button(visible(name), () => select(id, { push: true }), { class: "mini mono", "data-step": id })), each.more ? el("span", { class: "quiet", text: each.more }) : null));
  return el("ul", { class: "findings" }, ...list.map(item));
}

/** A link to a step that says what it is. */
export function stepLink(model, id, select) {
  const step = model.byId.get(id);
  if (!step) return el("span", { class: "quiet", text: `${visible(id)} (not in this session)` });
  const link = el("a", { href: "#", class: `step-link k-${step.look}`, "data-step": id },
    ...named(step), step.name ? el("b", { text: step.name }) : null, " ", el("span", { class: "link-text", dir: "auto", text: model.line(step, 80) }));
  link.addEventListener("click", (event) => {
    event.preventDefault();
    select(id, { push: true });
  });
  return link;
}
