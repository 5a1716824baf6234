// Every step of a session in one column: runs, and below them what happened in order. Always in sight.

import { button, el, fill, visible } from "./dom.js";
import { duration, joined, number, oneLine, tokens } from "./format.js";
import { kind, statusWord } from "./kinds.js";
import { Rows } from "./rows.js";

const FILTERS = [["", "All"], ["errors", "Errors"], ["tools", "Tools"], ["models", "Model"]];
const HEIGHT = 28;

export class Outline {
  constructor({ select, read }) {
    this.select = select;
    this.filter = "";
    this.query = "";
    this.entries = [];
    this.rows = new Rows({
      label: "Steps", height: HEIGHT, render: (index) => this.row(index), className: "outline-rows",
      pick: (index, event, byKey) => (byKey ? read() : this.pick(index)),
    });
    this.search = el("input", { type: "search", class: "field", placeholder: "Search this session  /", "aria-label": "Search this session", autocomplete: "off" });
    this.search.addEventListener("input", () => this.look());
    this.search.addEventListener("keydown", (event) => {
      if (event.key === "Enter") {
        event.preventDefault();
        const here = this.entries[this.rows.current]?.step;
        if (here && here.step_id !== this.selected) this.select(here.step_id, { push: true });
        else this.step(event.shiftKey ? -1 : 1);
      }
    });
    this.found = el("span", { class: "count", role: "status" });
    this.filters = el("div", { class: "segments small", role: "group", "aria-label": "Steps shown" },
      ...FILTERS.map(([value, name]) => button(name, () => this.show(value), { "data-value": value })));
    this.element = el("nav", { class: "outline", "aria-label": "Steps" }, el("div", { class: "outline-head" }, this.search, el("div", { class: "outline-tools" }, this.filters, this.found)), this.rows.element);
  }

  update(model, selected) {
    const following = this.model !== undefined && this.rows.atEnd();
    this.model = model;
    this.gather();
    if (selected) this.mark(selected, { scroll: false });
    if (following && model.session.status === "active") this.rows.toEnd();
  }

  show(filter) {
    this.filter = filter;
    this.gather();
    if (this.selected) this.mark(this.selected);
  }

  look() {
    this.query = this.search.value.trim().toLowerCase();
    this.gather();
    const first = this.entries.findIndex((entry) => entry.step);
    if (this.query && first >= 0 && !this.entries.some((entry) => entry.step?.step_id === this.selected)) this.rows.go(first);
  }

  gather() {
    const { model, filter, query } = this;
    const words = query.split(/\s+/).filter(Boolean);
    const entries = [];
    let hits = 0;
    for (const run of model.runs) {
      const steps = (run.steps ?? []).filter((step) => this.passes(step, filter) && (!words.length || words.every((word) => model.wordsOf(step).includes(word))));
      hits += steps.length;
      if (steps.length || (!filter && !words.length)) {
        entries.push({ run });
        for (const step of steps) entries.push({ step });
      }
    }
    this.entries = entries;
    for (const each of this.filters.children) each.setAttribute("aria-pressed", each.dataset.value === filter);
    fill(this.found, filter || words.length ? `${number(hits)} found` : `${number(model.steps.length)} steps`);
    this.rows.reset(entries.length);
    if (this.selected) this.mark(this.selected, { scroll: false });
  }

  passes(step, filter) {
    if (filter === "errors") return this.model.isFailure(step) || step.status === "unresolved" || step.status === "cancelled";
    if (filter === "tools") return step.label.startsWith("tool_") || step.label.startsWith("approval_");
    return filter !== "models" || step.label === "assistant_call";
  }

  mark(stepId, { scroll = true } = {}) {
    this.selected = stepId;
    const index = this.entries.findIndex((entry) => entry.step?.step_id === stepId);
    if (scroll || index < 0) this.rows.go(index);
    else {
      this.rows.current = index;
      this.rows.mark();
    }
  }

  pick(index) {
    const entry = this.entries[index];
    const step = entry.step ?? this.entries[index + 1]?.step;
    if (step) this.select(step.step_id, { push: true });
  }

  /** Go to the next or previous step in the list. */
  step(by) {
    let index = this.rows.current < 0 ? (by > 0 ? -1 : this.entries.length) : this.rows.current;
    do index += by;
    while (this.entries[index]?.run);
    if (this.entries[index]) this.select(this.entries[index].step.step_id, { push: false });
  }

  row(index) {
    const { run, step } = this.entries[index];
    return run ? this.runRow(run) : this.stepRow(step);
  }

  runRow(run) {
    const status = statusWord(run.status);
    const used = (run.steps ?? []).reduce((sum, step) => sum + (step.usage?.total_tokens ?? 0), 0);
    return el("div", { class: `o-run is-${run.status}` },
      el("span", { class: "o-run-name", text: `Run ${this.model.runNumber(run)}` }),
      status ? el("span", { class: `state is-${run.status}`, text: status }) : null,
      el("span", { class: "o-text", dir: "auto", text: visible(oneLine(run.input_text ?? "", 60)) || run.trigger }),
      el("span", { class: "o-time", title: tokens({ total_tokens: used }), text: duration(run.duration_ms) }));
  }

  stepRow(step) {
    const { model } = this;
    const { short, words, look } = kind(step);
    const failed = model.isFailure(step);
    const status = statusWord(step.status);
    const name = model.nameOf(step);
    const text = step.label === "assistant_call" ? "" : oneLine(model.textOf(step), 90);
    const retried = (step.attempts?.length ?? 0) > 1 ? `${step.attempts.length} attempts` : "";
    return el("div", { class: `o-step depth-${model.depthOf(step)} k-${failed ? "error" : look}${failed ? " is-failed" : ""}`, "aria-label": joined(words, name, status, text) },
      el("span", { class: "tag", text: failed && short !== "ERROR" ? `${short}!` : short }),
      el("span", { class: "o-text" }, name ? el("b", { text: visible(oneLine(name, 40)) }) : null, name && text ? " " : "", el("span", { dir: "auto", text: visible(text) })),
      status && !(failed && step.label === "tool_error") ? el("span", { class: `state is-${step.status}`, text: status }) : null,
      retried ? el("span", { class: "state is-warn", text: retried }) : null,
      el("span", { class: "o-time", text: step.duration_ms ? `${step.timing === "inferred" ? "~" : ""}${duration(step.duration_ms)}` : "" }));
  }
}
