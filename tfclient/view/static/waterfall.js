// The timeline: a row for each model call and each tool, a bar for the time it took. What ran at once lies over
// each other; what was tried again is one bar in pieces.

import { button, el, fill, mark, named } from "./dom.js";
import { counted, joined } from "./format.js";
import { Rows } from "./rows.js";
import { concurrency, timescale, tickWords } from "./timescale.js";

const ROW = 26;
const LABEL = 260;
/** Of the width, where there is little. */
const LABEL_SHARE = 0.38;
/** Pixels that the words of a time need. */
const TICK = 76;
const MARKS = 4000;
const percent = (part) => `${(part * 100).toFixed(4)}%`;

export class Waterfall {
  constructor({ select, read }) {
    this.zoomed = 1;
    this.rows = new Rows({
      label: "Timeline", height: ROW, className: "fall-rows", render: (index) => this.row(index),
      pick: (index, event, byKey) => (byKey ? read() : this.entries[index].step && select(this.entries[index].step.id, { push: true })),
    });
    this.axis = el("div", { class: "fall-axis", "aria-hidden": "true" });
    this.over = el("div", { class: "fall-over", "aria-hidden": "true" });
    this.rows.space.append(this.over);
    this.words = el("span", { class: "count" });
    this.rows.element.addEventListener("scroll", () => this.scrolled(), { passive: true });
    new ResizeObserver(() => this.scale && this.measure()).observe(this.rows.element);
    this.element = el("section", { class: "view fall", "aria-label": "Timeline" },
      el("div", { class: "view-tools" }, this.words, el("span", { class: "grow" }), button("−", () => this.zoom(0.5), { class: "mini", "aria-label": "Zoom out" }), button("+", () => this.zoom(2), { class: "mini", "aria-label": "Zoom in" }), button("Fit", () => this.zoom(0), { class: "mini" })),
      this.axis, this.rows.element);
  }

  update(model, selected) {
    const first = this.model === undefined;
    this.model = model;
    this.entries = [];
    this.bars = [];
    for (const run of model.runs) {
      this.entries.push({ run });
      for (const step of run.steps.filter((each) => each.bar)) {
        const entry = { step, start: step.bar.from, end: step.bar.to };
        this.entries.push(entry);
        this.bars.push(entry);
      }
    }
    const spans = this.bars.map(({ start, end }) => [start, end]);
    this.spans = spans;
    this.counts = concurrency(spans);
    this.most = this.counts.reduce((most, [, count]) => Math.max(most, count), 0);
    // Long sessions begin zoomed in: bars of a pixel each would say nothing.
    if (first) this.zoomed = Math.max(1, Math.min(64, Math.round(this.bars.length / 40)));
    this.element.style.setProperty("--digits", String(model.digits));
    this.measure();
    fill(this.words, joined(counted(this.bars.length, "call"), this.most > 1 ? `at most ${this.most} at once` : "one at a time", this.scale.gaps.length ? `${counted(this.scale.gaps.length, "pause")} folded` : ""));
    this.reveal(selected, { scroll: first });
  }

  /** Lay time out for the zoom there is. */
  measure() {
    this.scale = timescale(this.spans, this.zoomed);
    this.label = Math.round(Math.min(LABEL, this.element.clientWidth * LABEL_SHARE) || LABEL);
    this.drawAxis();
    this.rows.reset(this.entries.length);
  }

  drawAxis() {
    const { counts } = this;
    const { ticks, gaps, at } = this.scale;
    const room = (this.element.clientWidth - this.label - 24) * this.zoomed;
    let last = -Infinity;
    const told = ticks.filter((tick) => tick.at * room - last >= TICK && ((last = tick.at * room), true));
    const inner = el("div", { class: "fall-width" },
      ...told.map((tick) => el("span", { class: "tick", style: { left: percent(tick.at) }, text: tickWords(tick.ms) })),
      ...(counts.length < MARKS ? counts : []).map(([ms, count], n) => count > 1 && el("span", { class: "many", title: `${count} at once`, style: { left: percent(at(ms)), width: percent(at(counts[n + 1][0]) - at(ms)), opacity: String(0.35 + (0.65 * count) / this.most) } })).filter(Boolean));
    fill(this.axis, el("div", { class: "fall-label", text: "since the first call" }), inner);
    fill(this.over, ...ticks.map((tick) => el("i", { class: "line", style: { left: percent(tick.at) } })),
      ...gaps.map((gap) => el("i", { class: "gap", title: `${tickWords(Math.round(gap.end - gap.start))} without calls`, style: { left: percent(gap.from), width: percent(gap.to - gap.from) } })));
    this.element.style.setProperty("--zoom", String(this.zoomed));
    this.element.style.setProperty("--label", `${this.label}px`);
  }

  /** Keep the axis over the bars, and the bars of the rows in sight in sight. */
  scrolled() {
    const { element } = this.rows;
    if (element.scrollTop !== this.top) {
      this.top = element.scrollTop;
      this.follow(Math.ceil(element.scrollTop / ROW), Math.floor((element.scrollTop + element.clientHeight) / ROW));
    }
    this.axis.scrollLeft = element.scrollLeft;
  }

  follow(first, last) {
    const { element } = this.rows;
    const bars = this.entries.slice(first, last).filter((entry) => entry.step);
    const room = element.clientWidth - this.label - 24;
    if (this.zoomed === 1 || !bars.length || room <= 0) return;
    const place = (ms) => this.scale.at(ms) * room * this.zoomed;
    const [from, to] = [place(bars[0].start), place(bars.at(-1).end)];
    if (from < element.scrollLeft || to > element.scrollLeft + room) element.scrollLeft = Math.max(0, from - room * 0.05);
  }

  zoom(by) {
    this.zoomed = by === 0 ? 1 : Math.min(64, Math.max(1, this.zoomed * by));
    this.measure();
    this.top = -1;
    this.scrolled();
  }

  row(index) {
    const { run, step, start, end } = this.entries[index];
    if (run) {
      return el("div", { class: `fall-run is-${run.state}` }, el("span", { class: "fall-label" }, el("b", { text: run.name }), " ", mark(run.status, run.state), el("span", { class: "link-text", dir: "auto", text: ` ${run.line ?? run.about ?? ""}` })));
    }
    const { bar, name, took, remarks } = step;
    const { at } = this.scale;
    const left = at(start);
    const width = at(end) - left;
    const drawn = el("span", { class: `took${bar.inferred ? " is-inferred" : ""}${bar.open ? " is-open" : ""}`, style: { left: percent(left), width: percent(width) } }, ...pieces(bar));
    const after = left + width < 0.86;
    const words = joined(step.number, step.word, name, took, remarks);
    return el("div", { class: `fall-row k-${bar.bad ? "error" : step.look}${bar.bad ? " is-failed" : ""}`, "data-step": step.id, "aria-label": words, title: words },
      el("span", { class: "fall-label", style: { "--depth": step.depth ?? 0 } }, ...named(step), el("span", { class: "fall-name", text: ` ${name ?? ""}` })),
      el("span", { class: "fall-width" }, drawn, el("span", { class: `took-words${after ? "" : " is-before"}`, style: after ? { left: percent(left + width) } : { right: percent(1 - left) }, text: joined(took, remarks) })));
  }

  reveal(stepId, { scroll = true } = {}) {
    if (!this.model) return;
    const step = this.model.byId.get(stepId);
    const shown = step?.bar ? stepId : step?.under;
    const index = shown ? this.entries.findIndex((entry) => entry.step?.id === shown) : -1;
    this.rows.go(index, { scroll });
  }
}

/** The attempts of a call that was tried more than once, as pieces of its bar. */
function pieces({ from, to, tries = [] }) {
  const part = (ms) => Math.min(1, Math.max(0, (ms - from) / (to - from)));
  return to <= from ? [] : tries.map((each) => el("i", { class: `try${each.bad ? " is-bad" : ""}`, style: { left: percent(part(each.from)), width: percent(part(each.to) - part(each.from)) } }));
}
