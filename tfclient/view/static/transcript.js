// The transcript: who said what, as a chat. What the model did on the way stands between, small.

import { button, el, fill, mark, named, sign } from "./dom.js";
import { joined } from "./format.js";
import { noteSign } from "./notes.js";
import { valueView } from "./values.js";

const CHUNK = 150;
const SPOKEN = new Set(["user", "answer"]);

export class Transcript {
  constructor({ select, opened, toggle }) {
    this.select = select;
    this.opened = opened;
    this.toggle = toggle;
    this.shown = new Map();
    this.body = el("div", { class: "chat", role: "log", "aria-live": "off" });
    this.scroller = el("div", { class: "chat-scroll", tabindex: "0" }, this.body);
    this.element = el("section", { class: "view transcript", "aria-label": "Transcript" }, this.scroller);
  }

  update(model, selected) {
    const following = this.model?.about.live && this.scroller.scrollTop + this.scroller.clientHeight > this.scroller.scrollHeight - 80;
    const first = this.model?.about.id !== model.about.id;
    this.model = model;
    if (first) {
      fill(this.body);
      this.shown.clear();
    }
    this.wanted = model.entries(this.opened, (loop) => loop.first).map((entry) => ({ ...entry, id: entry.fold?.key ?? (entry.run ?? entry.step).id }));
    const wanted = new Set(this.wanted.map(({ id }) => id));
    for (const [id, { element }] of this.shown) {
      if (wanted.has(id)) continue;
      element.remove();
      this.shown.delete(id);
    }
    this.next = 0;
    cancelAnimationFrame(this.frame);
    this.add(CHUNK);
    if (following) this.scroller.scrollTop = this.scroller.scrollHeight;
    this.reveal(selected, { scroll: first });
  }

  /** Add what is not there yet or has changed, so much now and the rest in the next frames. */
  add(count) {
    const { wanted, shown } = this;
    const end = Math.min(wanted.length, this.next + count);
    for (; this.next < end; this.next += 1) {
      const { id, run, step, fold } = wanted[this.next];
      const signature = fold ? JSON.stringify([fold, this.opened.has(id), this.model.noteIn(fold)]) : run ? joined(run.status, run.trouble, run.about, run.cost, run.details) : this.model.signature(step);
      const known = shown.get(id);
      if (known?.signature === signature) continue;
      const element = fold ? this.foldEntry(fold) : run ? this.runEntry(run) : this.stepEntry(step);
      if (known) known.element.replaceWith(element);
      else {
        const before = this.next > 0 ? shown.get(wanted[this.next - 1].id).element : null;
        if (before) before.after(element);
        else this.body.prepend(element);
      }
      shown.set(id, { signature, element });
    }
    if (this.next < wanted.length) this.frame = requestAnimationFrame(() => this.add(CHUNK));
    else if (this.selected) this.entryOf(this.selected)?.element.classList.add("is-current");
  }

  /** Where a step stands: itself, or what it is told in. */
  entryOf(stepId) {
    return this.shown.get(stepId) ?? this.shown.get(this.model?.foldOf.get(stepId)?.key);
  }

  foldEntry(fold) {
    const open = this.opened.has(fold.key);
    return el("div", { class: `c-fold k-${fold.look ?? "other"}${fold.failed ? " is-failed" : ""}` },
      el("button", { type: "button", class: "c-head", "aria-expanded": String(open), on: { click: () => this.toggle(fold.key) } },
        el("span", { class: "chevron", "aria-hidden": "true", text: open ? "▾" : "▸" }), fold.number ? el("span", { class: "number", text: fold.number }) : null,
        el("b", { text: fold.name }), fold.at !== undefined && fold.runs ? el("span", { text: fold.line }) : null, sign(fold.found), noteSign(this.model.noteIn(fold)), el("span", { class: "quiet", text: joined(fold.took, fold.tokens) })));
  }

  runEntry(run) {
    return el("div", { class: `c-run is-${run.state}`, role: "heading", "aria-level": "2" }, el("b", { text: run.name }), " ", mark(joined(run.status, run.trouble), run.state), " ",
      el("span", { class: "quiet", text: joined(run.about, run.cost, run.details) }));
  }

  stepEntry(step) {
    const { model } = this;
    const spoken = SPOKEN.has(step.look);
    const head = el("button", { type: "button", class: "c-head", on: { click: () => this.select(step.id, { push: true }) } },
      ...named(step), step.name ? el("b", { text: step.name }) : null, mark(step.remarks, step.state),
      sign(model.found.steps[step.id]), noteSign(model.noted.marks[step.id]),
      el("span", { class: "quiet", text: joined(step.took, step.tokens) }));
    return el("article", { class: `c-step k-${step.look} ${spoken ? `is-spoken is-${step.look}` : "is-aside"}${step.failed ? " is-failed" : ""}${step.same ? " is-same" : ""}`, "data-step": step.id }, head,
      step.same ? this.back(step) : step.at || step.text ? valueView(model.said(step), { fold: spoken ? 3000 : 500, asMarkdown: model.markdown(step.marked, step.id) }) : null,
      ...model.media(step).map((each) => valueView(each)));
  }

  /** A link to where the same was shown before. */
  back(step) {
    return button(step.line, () => this.select(step.same, { push: true }), { class: "link" });
  }

  reveal(stepId, { scroll = true } = {}) {
    if (this.selected) this.entryOf(this.selected)?.element.classList.remove("is-current");
    this.selected = stepId;
    let entry = stepId ? this.entryOf(stepId) : null;
    if (!entry && this.model?.byId.has(stepId) && this.next < this.wanted.length) {
      cancelAnimationFrame(this.frame);
      this.add(this.wanted.length);
      entry = this.entryOf(stepId);
    }
    if (!entry) return;
    entry.element.classList.add("is-current");
    if (scroll) this.bring(entry.element, 4);
  }

  /** Scroll to an entry; again after drawing, for entries have their true heights only when they are near. */
  bring(element, times) {
    element.scrollIntoView({ block: "nearest" });
    if (times > 0) requestAnimationFrame(() => this.entryOf(this.selected)?.element === element && this.bring(element, times - 1));
  }
}
