// What a session comes to, where no step is selected: what went wrong first, then figures.

import { el, visible } from "./dom.js";
import { clock, duration, joined, number, oneLine } from "./format.js";
import { kind } from "./kinds.js";
import { treeView } from "./values.js";

export function facts(rows) {
  const shown = rows.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return el("dl", { class: "facts" }, ...shown.flatMap(([name, value]) => [el("dt", { text: name }), el("dd", {}, value instanceof Node ? value : el("span", { text: visible(String(value)) }))]));
}

export function section(title, ...content) {
  return el("section", { class: "part" }, el("h3", { text: title }), ...content);
}

export function overview(model, { select }) {
  const { session } = model;
  const { summary = {} } = session;
  const usage = summary.usage ?? {};
  const parts = [el("header", { class: "panel-head" }, el("h2", { class: "panel-title", tabindex: "-1", text: "This session" }))];
  if (model.failed.length) {
    parts.push(section("What went wrong", el("ul", { class: "links" }, ...model.failed.slice(0, 20).map((step) => el("li", {}, stepLink(model, step.step_id, select))),
      model.failed.length > 20 ? el("li", { class: "quiet", text: `and ${number(model.failed.length - 20)} more` }) : null)));
  }
  parts.push(section("Figures", facts([
    ["status", joined(session.status, session.result, session.end_reason)],
    ["started", clock(session.started_at)],
    ["took", duration(session.duration_ms)],
    ["runs", number(model.runs.length) + (summary.forks ? `, ${summary.forks} forks` : "")],
    ["steps", number(model.steps.length)],
    ["model calls", number(summary.model_calls ?? 0) + (summary.retries ? `, ${summary.retries} retries` : "")],
    ["tool calls", joined(number(summary.tool_calls ?? 0), summary.tool_errors ? `${summary.tool_errors} errors` : "", summary.unresolved_tool_calls ? `${summary.unresolved_tool_calls} unresolved` : "")],
    ["tokens", usage.total_tokens ? joined(`${number(usage.input_tokens)} in`, `${number(usage.output_tokens)} out`, usage.cached_tokens ? `${number(usage.cached_tokens)} cached` : "", usage.reasoning_tokens ? `${number(usage.reasoning_tokens)} reasoning` : "") : ""],
    ["models", Object.entries(summary.models ?? {}).map(([name, calls]) => `${name} ×${calls}`).join(", ")],
    ["redaction", joined(session.redaction?.mode, session.redaction?.marks ? `${number(session.redaction.marks)} values changed` : "")],
  ])));
  const tools = Object.entries(summary.tools ?? {});
  if (tools.length) {
    const rows = tools.map(([name, tool]) => el("tr", {}, el("td", { text: visible(name) }), el("td", { class: "figure", text: number(tool.calls) }), el("td", { class: `figure${tool.errors ? " bad" : ""}`, text: number(tool.errors) }), el("td", { class: "figure", text: duration(tool.duration_ms) })));
    parts.push(section("Tools", el("table", {}, el("thead", {}, el("tr", {}, ...["tool", "calls", "errors", "time"].map((name) => el("th", { scope: "col", text: name })))), el("tbody", {}, ...rows))));
  }
  if (session.notes?.length) parts.push(section("Notes", el("ul", {}, ...session.notes.map((note) => el("li", { text: visible(note) })))));
  for (const [name, value] of [["Metadata", session.metadata], ["Runtime", session.runtime]]) {
    if (value && Object.keys(value).length) parts.push(section(name, treeView(value, { depth: 1 })));
  }
  return parts;
}

/** A link to a step that says what it is. */
export function stepLink(model, id, select) {
  const step = model.byId.get(id);
  if (!step) return el("span", { class: "quiet", text: `${visible(id)} (not in this session)` });
  const { words, look } = kind(step);
  const failed = model.isFailure(step);
  const link = el("a", { href: "#", class: `step-link k-${failed ? "error" : look}`, "data-step": id },
    el("span", { class: "tag", text: words }), el("b", { text: visible(oneLine(model.nameOf(step), 40)) }), " ", el("span", { class: "link-text", dir: "auto", text: visible(oneLine(model.textOf(step), 80)) }), " ", el("span", { class: "quiet mono", text: id }));
  link.addEventListener("click", (event) => {
    event.preventDefault();
    select(id, { push: true });
  });
  return link;
}
