// Every step of a session in one column: runs, and below them what happened in order. Always in sight.

import { button, el, fill, mark, named, sign, visible } from "./dom.js";
import { counted, joined, number } from "./format.js";
import { noteSign } from "./notes.js";
import { Rows } from "./rows.js";

const FILTERS = [["", "All"], ["errors", "Errors"], ["odd", "Findings"], ["noted", "\u270e"], ["tool", "Tools"], ["model", "Model"]];
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
        if (here && here.id !== this.selected) this.select(here.id, { push: true });
        else this.step(event.shiftKey ? -1 : 1);
      }
    });
    this.found = el("span", { class: "count", role: "status" });
    this.filters = el("div", { class: "segments small", role: "group", "aria-label": "Steps shown" },
      ...FILTERS.map(([value, name]) => button(name, () => this.show(value), { "data-value": value, ...(value === "noted" ? { title: "Noted on", "aria-label": "Noted on" } : {}) })));
    this.element = el("nav", { class: "outline", "aria-label": "Steps" }, el("div", { class: "outline-head" }, this.search, el("div", { class: "outline-tools" }, this.filters, this.found)), this.rows.element);
  }

  update(model, selected) {
    const following = this.model !== undefined && this.rows.atEnd();
    this.model = model;
    this.gather();
    if (selected) this.mark(selected, { scroll: false });
    if (following && model.about.live) this.rows.toEnd();
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
    if (this.query && first >= 0 && !this.entries.some((entry) => entry.step?.id === this.selected)) this.rows.go(first);
  }

  gather() {
    const { model, filter, query } = this;
    const words = query.split(/\s+/).filter(Boolean);
    const entries = [];
    let hits = 0;
    for (const run of model.runs) {
      const steps = run.steps.filter((step) => (!filter || this.passes(step)) && (!words.length || words.every((word) => model.wordsOf(step).includes(word))));
      hits += steps.length;
      if (steps.length || (!filter && !words.length)) {
        entries.push({ run });
        for (const step of steps) entries.push({ step });
      }
    }
    this.entries = entries;
    for (const each of this.filters.children) {
      each.setAttribute("aria-pressed", each.dataset.value === filter);
      if (each.dataset.value === "noted") each.hidden = filter !== "noted" && !model.noted.notes.length;
    }
    fill(this.found, filter || words.length ? `${number(hits)} found` : counted(model.steps.length, "step"));
    this.rows.reset(entries.length);
    if (this.selected) this.mark(this.selected, { scroll: false });
  }

  passes(step) {
    if (this.filter === "noted") return Object.hasOwn(this.model.noted.marks, step.id);
    if (this.filter === "odd") return Object.hasOwn(this.model.found.steps, step.id);
    return this.filter === "errors" ? step.wrong : step.kind === this.filter;
  }

  mark(stepId, { scroll = true } = {}) {
    this.selected = stepId;
    const index = this.entries.findIndex((entry) => entry.step?.id === stepId);
    this.rows.go(index, { scroll });
  }

  pick(index) {
    const entry = this.entries[index];
    const step = entry.step ?? this.entries[index + 1]?.step;
    if (step) this.select(step.id, { push: true });
  }

  /** Go to the next or previous step in the list. */
  step(by) {
    let index = this.rows.current < 0 ? (by > 0 ? -1 : this.entries.length) : this.rows.current;
    do index += by;
    while (this.entries[index]?.run);
    if (this.entries[index]) this.select(this.entries[index].step.id, { push: false });
  }

  row(index) {
    const { run, step } = this.entries[index];
    return run ? this.runRow(run) : this.stepRow(step);
  }

  runRow(run) {
    return el("div", { class: `o-run is-${run.state}` },
      el("span", { class: "o-run-name", text: run.name }), mark(run.status, run.state),
      el("span", { class: "o-text", dir: "auto", text: run.line ?? run.about }),
      noteSign(this.model.noted.marks[run.id]),
      el("span", { class: "o-time", title: run.tokens, text: run.took }));
  }

  stepRow(step) {
    const text = this.model.line(step, 90);
    return el("div", { class: `o-step k-${step.look}${step.failed ? " is-failed" : ""}`, style: { "--depth": step.depth ?? 0 }, "aria-label": joined(step.number, step.word, step.name, step.remarks, text) },
      ...named(step),
      el("span", { class: "o-text" }, step.name ? el("b", { text: step.name }) : null, step.name && text ? " " : "", el("span", { dir: "auto", text })),
      mark(step.remarks, step.state),
      sign(this.model.found.steps[step.id]), noteSign(this.model.noted.marks[step.id]),
      el("span", { class: "o-time", title: step.tokens, text: step.took }));
  }
}
