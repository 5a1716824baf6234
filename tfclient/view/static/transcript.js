// The transcript: who said what, as a chat. What the model did on the way stands between, small.

import { el, fill, visible } from "./dom.js";
import { duration, joined, oneLine, tokens } from "./format.js";
import { kind, statusWord } from "./kinds.js";
import { mediaOf, Model, saidBy } from "./model.js";
import { valueView } from "./values.js";

const CHUNK = 150;
const SPOKEN = new Set(["user_message", "assistant_message"]);

export class Transcript {
  constructor({ select }) {
    this.select = select;
    this.shown = new Map();
    this.body = el("div", { class: "chat", role: "log", "aria-live": "off" });
    this.scroller = el("div", { class: "chat-scroll", tabindex: "0" }, this.body);
    this.element = el("section", { class: "view transcript", "aria-label": "Transcript" }, this.scroller);
  }

  update(model, selected) {
    const following = this.model?.session.status === "active" && this.scroller.scrollTop + this.scroller.clientHeight > this.scroller.scrollHeight - 80;
    const first = this.model?.session.session_id !== model.session.session_id;
    this.model = model;
    if (first) {
      fill(this.body);
      this.shown.clear();
    }
    this.wanted = model.runs.flatMap((run) => [{ id: run.run_id, run }, ...(run.steps ?? []).filter((step) => !model.isSnapshot(step)).map((step) => ({ id: step.step_id, step }))]);
    this.next = 0;
    cancelAnimationFrame(this.frame);
    this.add(CHUNK);
    if (following) this.scroller.scrollTop = this.scroller.scrollHeight;
    this.mark(selected, { scroll: first });
  }

  /** Add what is not there yet or has changed, so much now and the rest in the next frames. */
  add(count) {
    const { wanted, shown } = this;
    const end = Math.min(wanted.length, this.next + count);
    for (; this.next < end; this.next += 1) {
      const { id, run, step } = wanted[this.next];
      const signature = run ? `${run.status}|${run.duration_ms}` : `${Model.signature(step)}|${step.label === "assistant_call"}`;
      const known = shown.get(id);
      if (known?.signature === signature) continue;
      const element = run ? this.runEntry(run) : this.stepEntry(step);
      if (known) known.element.replaceWith(element);
      else {
        const before = this.next > 0 ? shown.get(wanted[this.next - 1].id).element : null;
        if (before) before.after(element);
        else this.body.prepend(element);
      }
      shown.set(id, { signature, element });
    }
    if (this.next < wanted.length) this.frame = requestAnimationFrame(() => this.add(CHUNK));
    else if (this.selected) this.shown.get(this.selected)?.element.classList.add("is-current");
  }

  runEntry(run) {
    return el("div", { class: `c-run is-${run.status}`, role: "heading", "aria-level": "2" }, el("b", { text: `Run ${this.model.runNumber(run)}` }), " ",
      statusWord(run.status) ? el("span", { class: `state is-${run.status}`, text: statusWord(run.status) }) : null,
      el("span", { class: "quiet", text: ` ${joined(run.trigger === "user_message" || (run.trigger === "tool" && run.lineage?.parent_run_id) ? "" : run.trigger.replaceAll("_", " "), run.lineage?.parent_run_id ? `${run.trigger === "tool" ? "inside a tool of" : "continues"} ${run.lineage.parent_run_id.replace("_", " ")}` : "", duration(run.duration_ms))}` }));
  }

  stepEntry(step) {
    const { model } = this;
    const { words, look } = kind(step);
    const failed = model.isFailure(step);
    const name = model.nameOf(step);
    const spoken = SPOKEN.has(step.label);
    const head = el("button", { type: "button", class: "c-head", on: { click: () => this.select(step.step_id, { push: true }) } },
      el("span", { class: "tag", text: words }), name ? el("b", { text: visible(oneLine(name, 60)) }) : null,
      statusWord(step.status) ? el("span", { class: `state is-${step.status}`, text: statusWord(step.status) }) : null,
      el("span", { class: "quiet", text: joined(step.duration_ms ? duration(step.duration_ms) : "", tokens(step.usage), (step.attempts?.length ?? 0) > 1 ? `${step.attempts.length} attempts` : "") }));
    const value = saidBy(step);
    const showsValue = step.label !== "assistant_call" || failed;
    const className = `c-step k-${failed ? "error" : look} ${spoken ? `is-spoken is-${look}` : "is-aside"}${failed ? " is-failed" : ""}`;
    return el("article", { class: className, "data-step": step.step_id }, head, showsValue && value !== undefined && value !== "" ? valueView(value, { fold: spoken ? 3000 : 500 }) : null,
      ...mediaOf(step).map((each) => valueView(each)));
  }

  mark(stepId, { scroll = true } = {}) {
    this.shown.get(this.selected)?.element.classList.remove("is-current");
    this.selected = stepId;
    let entry = this.shown.get(stepId);
    if (!entry && this.model?.byId.has(stepId) && this.next < this.wanted.length) {
      cancelAnimationFrame(this.frame);
      this.add(this.wanted.length);
      entry = this.shown.get(stepId);
    }
    if (!entry) return;
    entry.element.classList.add("is-current");
    if (scroll) this.bring(entry.element, 4);
  }

  /** Scroll to an entry; again after drawing, for entries have their true heights only when they are near. */
  bring(element, times) {
    element.scrollIntoView({ block: "nearest" });
    if (times > 0) requestAnimationFrame(() => this.shown.get(this.selected)?.element === element && this.bring(element, times - 1));
  }

  reveal(stepId) {
    this.mark(stepId);
  }
}
