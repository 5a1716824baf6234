// Every step of a session in one column: runs, and below them what happened in order. Always in sight.

import { button, el, fill, mark, named, sign, visible } from "./dom.js";
import { counted, joined, number } from "./format.js";
import { noteSign } from "./notes.js";
import { isNarrow } from "./panes.js";
import { Rows } from "./rows.js";

const FILTERS = [["", "All"], ["errors", "Errors"], ["odd", "Findings"], ["noted", "\u270e"], ["tool", "Tools"], ["model", "Model"]];
const HEIGHT = 28;
const NARROW_HEIGHT = 40;

export class Outline {
  constructor({ select, read, opened, toggle }) {
    this.select = select;
    this.opened = opened;
    this.toggle = toggle;
    this.filter = "";
    this.query = "";
    this.entries = [];
    this.rows = new Rows({
      label: "Steps", height: isNarrow() ? NARROW_HEIGHT : HEIGHT, render: (index) => this.row(index), className: "outline-rows",
      pick: (index, event, byKey) => (byKey && !this.entries[index].fold ? read() : this.pick(index)),
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
    this.element = el("nav", { class: "outline", id: "steps", "aria-label": "Steps" }, el("div", { class: "outline-head" }, this.search, el("div", { class: "outline-tools" }, this.filters, this.found)), this.rows.element);
  }

  update(model, selected) {
    const following = this.model !== undefined && this.rows.atEnd();
    this.model = model;
    this.rows.element.style.setProperty("--digits", String(model.digits));
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
    const entries = filter || words.length ? [] : model.entries(this.opened, () => 0);
    let hits = 0;
    if (filter || words.length) for (const run of model.runs) {
      const steps = run.steps.filter((step) => (!filter || this.passes(step)) && (!words.length || words.every((word) => model.wordsOf(step).includes(word))));
      hits += steps.length;
      if (steps.length) entries.push({ run }, ...steps.map((step) => ({ step })));
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
    const fold = this.model.foldOf.get(stepId);
    const own = this.entries.findIndex((entry) => entry.step?.id === stepId);
    this.rows.go(own < 0 && fold ? this.entries.findIndex((entry) => entry.fold === fold) : own, { scroll });
  }

  pick(index) {
    const { fold, step } = this.entries[index];
    if (fold) this.toggle(fold.key);
    const stepId = fold ? fold.lead : (step ?? this.entries[index + 1]?.step)?.id;
    if (stepId) this.select(stepId, { push: true });
  }

  /** Open or close what is told as one where the current row is; returns whether there was something. */
  turn(open) {
    const { fold, step } = this.entries[this.rows.current] ?? {};
    const found = fold ?? (step && !open ? this.model.foldOf.get(step.id) : null);
    if (!found || this.opened.has(found.key) === open) return false;
    this.toggle(found.key);
    if (found.lead) this.select(found.lead, { push: false });
    return true;
  }

  /** Go to the next or previous step in the list. */
  step(by) {
    let index = this.rows.current < 0 ? (by > 0 ? -1 : this.entries.length) : this.rows.current;
    do index += by;
    while (this.entries[index] && !this.entries[index].step && !this.isClosed(this.entries[index].fold));
    const { step, fold } = this.entries[index] ?? {};
    if (step || fold) this.select(step?.id ?? fold.lead, { push: false });
  }

  isClosed(fold) {
    return Boolean(fold?.lead) && !this.opened.has(fold.key);
  }

  row(index) {
    const { run, step, fold } = this.entries[index];
    return fold ? this.foldRow(fold) : run ? this.runRow(run) : this.stepRow(step);
  }

  foldRow(fold) {
    const open = this.opened.has(fold.key);
    return el("div", { class: `o-fold k-${fold.look ?? "other"}${fold.failed ? " is-failed" : ""}${open ? " is-open" : ""}`, style: { "--depth": fold.depth ?? 0 }, "aria-label": joined(fold.number, fold.name, fold.line, open ? "open" : "closed") },
      fold.number ? el("span", { class: "number", title: fold.number, text: fold.begins }) : null, el("span", { class: "chevron", "aria-hidden": "true", text: open ? "▾" : "▸" }),
      el("b", { text: fold.name }), el("span", { class: "o-text", dir: "auto", text: fold.line ?? "" }), sign(fold.found), noteSign(this.model.noteIn(fold)),
      el("span", { class: "o-time", title: fold.tokens, text: fold.took }));
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
