// A session: steps on the left, one of four views in the middle, the selected step on the right.

import { button, el, fill, mark, oneLine, visible } from "./dom.js";
import { goTo, showKeys } from "./dialogs.js";
import { DocumentView } from "./document.js";
import { Flow } from "./flow.js";
import { joined, number } from "./format.js";
import { Model } from "./model.js";
import { NOTHING, Notes } from "./notes.js";
import { Outline } from "./outline.js";
import { Border, isNarrow, isStacked, whenNarrow } from "./panes.js";
import { Panel } from "./panel.js";
import { mode, notes, session } from "./source.js";
import { themeButton } from "./theme.js";
import { Transcript } from "./transcript.js";
import { Waterfall } from "./waterfall.js";

export const TABS = [["flow", "Flow", "f"], ["timeline", "Timeline", "t"], ["transcript", "Transcript", "c"], ["json", "JSON", "j"]];
/** Where there is room for one pane only, the steps and the step are views as well. */
const PANES = { steps: "Steps", step: "Session" };
const POLL = 1000;

export class SessionView {
  constructor(root, { id, tab, stepId, navigate, leave }) {
    this.root = root;
    this.id = id;
    this.tab = tab;
    this.stepId = stepId;
    this.navigate = navigate;
    this.leave = leave;
    this.version = "";
    const select = (step, how) => this.select(step, how);
    const read = () => {
      if (isNarrow()) this.turn("step");
      this.panel.focus();
    };
    const opened = new Set();
    const toggle = (key) => this.toggle(opened, key);
    this.read = read;
    this.outline = new Outline({ select, read, opened, toggle });
    this.noted = NOTHING;
    this.notes = new Notes({ id, select, changed: (noted) => this.noting(noted) });
    this.panel = new Panel({ select, close: () => this.select(null, { push: true }), notes: this.notes });
    this.views = {
      flow: new Flow({ select, stepOf: (step) => this.model.byId.get(step) }),
      timeline: new Waterfall({ select, read }),
      transcript: new Transcript({ select, opened, toggle }),
      json: new DocumentView(),
    };
    this.fresh = new Set();
    this.title = el("h1", { class: "session-title", dir: "auto", text: "Loading…" });
    this.about = el("p", { class: "session-about" });
    this.trouble = el("div", { class: "trouble-space" });
    const pane = (name, controls) => button(PANES[name], () => this.turn(name), { role: "tab", class: "pane-tab", "data-pane": name, "aria-controls": controls });
    this.tabs = el("div", { class: "tabs", role: "tablist", "aria-label": "View" }, pane("steps", "steps"),
      ...TABS.map(([name, words]) => button(words, () => this.model && this.show(name, { push: true }), { role: "tab", id: `tab-${name}`, "data-tab": name, "aria-controls": "view" })), pane("step", "step"));
    this.tabs.addEventListener("keydown", (event) => {
      const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!by || !this.model) return;
      const shown = [...this.tabs.children].filter((each) => each.checkVisibility());
      const at = shown.findIndex((each) => each.getAttribute("aria-selected") === "true");
      const next = shown[(at + by + shown.length) % shown.length];
      next.click();
      next.focus();
    });
    const borders = [new Border({ pane: this.outline.element, label: "Width of the steps", name: "outline" }), new Border({ pane: this.panel.element, label: "Size of the step", name: "panel", after: true, isAcross: isStacked })];
    this.middle = el("main", { class: "middle", id: "view", role: "tabpanel" });
    fill(root,
      el("header", { class: "bar" },
        mode === "served" ? button("‹ Sessions", leave, { class: "plain back" }) : null,
        el("div", { class: "session-head" }, this.title, this.about), el("span", { class: "grow" }), this.tabs, themeButton(), button("Keys", showKeys, { class: "plain keys-button" })),
      this.trouble, (this.panes = el("div", { class: "session" }, this.outline.element, borders[0].element, this.middle, borders[1].element, this.panel.element)));
    for (const each of borders) each.begin(this.panes);
    whenNarrow(() => this.turn(this.panes.dataset.pane));
    // One who asked for a view or a step is shown that first.
    this.turn(stepId ? "step" : tab === "flow" ? "steps" : "view");
    this.load(true);
    if (mode === "served") this.timer = setInterval(() => document.visibilityState === "visible" && this.load(false), POLL);
  }

  close() {
    clearInterval(this.timer);
    this.closed = true;
  }

  async load(first) {
    if (this.loading || (!first && this.model && !this.model.about.live && Date.now() - this.loaded < 5000)) return;
    this.loading = true;
    try {
      const [answer, noted] = await Promise.all([session(this.id, this.version), notes(this.id, this.noted.version)]);
      this.loaded = Date.now();
      if (this.closed) return;
      if (noted !== null) this.noted = noted;
      if (answer !== null) {
        this.version = answer.version;
        this.model = new Model({ ...answer, noted: this.noted });
        this.draw(first);
      } else if (noted !== null) this.noting(noted);
    } catch (error) {
      if (this.closed) return;
      if (first) fill(this.root, el("main", { class: "told-page" }, el("h1", { text: "This session cannot be shown" }), el("p", { class: "told", text: error.message }), mode === "served" ? button("‹ Sessions", this.leave) : null));
      else fill(this.trouble, el("p", { class: "told", role: "status", text: error.message }));
    } finally {
      this.loading = false;
    }
  }

  /** Show what is noted now: the session is the same. */
  noting(noted) {
    this.noted = noted;
    this.model.note(noted);
    this.outline.update(this.model, this.stepId);
    this.panel.update(this.model, this.stepId);
    if (this.tab === "transcript") this.views.transcript.update(this.model, this.stepId);
    else this.fresh.delete("transcript");
    this.drawHead();
  }

  draw(first) {
    const { model } = this;
    if (this.stepId && !model.byId.has(this.stepId)) this.stepId = null;
    // What went wrong is what a person came for.
    if (first && !this.stepId && model.about.first) this.stepId = model.about.first;
    this.fresh.clear();
    this.drawHead();
    this.outline.update(model, this.stepId);
    if (first && this.stepId) this.outline.mark(this.stepId);
    this.panel.update(model, this.stepId);
    this.show(this.tab, { silent: true });
    if (first) this.outline.rows.element.focus({ preventScroll: true });
  }

  drawHead() {
    const { about } = this.model;
    const title = visible(about.title);
    fill(this.title, title);
    document.title = `${oneLine(title, 60)} · tfclient`;
    const noted = this.noted.words ? button(`\u270e ${visible(this.noted.words)}`, () => this.overview(), { class: "plain noted-head", title: "All notes, in a list" }) : null;
    fill(this.about, mark(about.result, about.state), " ", noted, ` ${about.about} `, el("span", { class: "mono quiet", text: about.id }));
    this.drawTrouble();
  }

  drawTrouble() {
    const { model } = this;
    const { about, failed } = model;
    const shown = failed.slice(0, 3).map((step) => button([el("b", { text: joined(step.number, step.word, step.name, step.remarks) }), " ", el("span", { dir: "auto", text: model.line(step, 110) })], () => this.select(step.id, { push: true }), { class: "trouble" }));
    const more = failed.length - shown.length;
    const { list, words } = model.found;
    // Where nothing failed, what tells otherwise is what a person came for.
    const others = failed.length ? [] : list.filter((each) => each.fault).slice(0, 3);
    const told = others.map((each) => button([el("b", { text: each.kind }), " ", el("span", { dir: "auto", text: oneLine(visible(each.says), 110) })], () => this.select(each.steps[0][0], { push: true }), { class: "trouble" }));
    const head = joined(about.trouble, words);
    fill(this.trouble, head ? el("div", { class: `troubles${failed.length ? "" : " is-mild"}`, role: "region", "aria-label": "What went wrong" },
      words ? button(head, () => this.overview(), { class: "plain trouble-head", title: "All findings, in a list" }) : el("strong", { text: head }), ...shown, ...told,
      more > 0 ? button(`${number(more)} more`, () => this.outline.show("errors"), { class: "trouble" }) : null) : null);
  }

  show(tab, { push = false, silent = false } = {}) {
    this.tab = Object.hasOwn(this.views, tab) ? tab : "flow";
    const view = this.views[this.tab];
    this.turn(push ? "view" : this.panes.dataset.pane);
    this.middle.setAttribute("aria-labelledby", `tab-${this.tab}`);
    if (this.middle.firstChild !== view.element) fill(this.middle, view.element);
    if (!this.fresh.has(this.tab)) {
      this.fresh.add(this.tab);
      view.update(this.model, this.stepId);
    } else if (this.stepId) view.reveal(this.stepId);
    if (!silent) this.navigate(this.place(), push);
  }

  /** Show one pane, where there is room for one only: `steps`, `view` or `step`. */
  turn(pane) {
    this.panes.dataset.pane = pane;
    const isShown = ({ dataset }) => (isNarrow() && pane !== "view" ? dataset.pane === pane : dataset.tab === this.tab);
    for (const each of this.tabs.children) {
      if (each.dataset.pane === "step") each.textContent = this.stepId ? "Step" : PANES.step;
      each.setAttribute("aria-selected", isShown(each));
      each.tabIndex = isShown(each) ? 0 : -1;
    }
  }

  /** Show what the session comes to, where no step is selected. */
  overview() {
    this.select(null, { push: true });
    this.turn("step");
    this.panel.focus();
  }

  place() {
    return { id: this.id, tab: this.tab, stepId: this.stepId };
  }

  select(stepId, { push = false } = {}) {
    if (stepId !== null && !this.model.byId.has(stepId)) return;
    this.stepId = stepId;
    this.outline.mark(stepId);
    this.panel.update(this.model, stepId);
    this.views[this.tab].reveal(stepId);
    this.turn(push && isNarrow() ? (stepId === null ? "steps" : "step") : this.panes.dataset.pane);
    if (push && isNarrow()) {
      if (stepId === null) this.outline.rows.element.focus();
      else this.panel.focus();
    }
    this.navigate(this.place(), push);
  }

  /** Go where the address says. */
  go({ tab, stepId }) {
    if (!this.model) {
      Object.assign(this, { tab, stepId });
      return;
    }
    if (tab !== this.tab) this.show(tab, { silent: true });
    if (stepId !== this.stepId) this.select(stepId);
  }

  /** Open or close what is told as one, wherever it is shown. */
  toggle(opened, key) {
    if (!opened.delete(key)) opened.add(key);
    this.outline.gather();
    this.fresh.delete("transcript");
    if (this.tab === "transcript") this.show("transcript", { silent: true });
  }

  nextFailure(by) {
    const { failed } = this.model;
    if (!failed.length) return;
    const order = new Map(this.model.steps.map((step, n) => [step.id, n]));
    const here = this.stepId ? order.get(this.stepId) : -1;
    const after = by > 0 ? failed.find((step) => order.get(step.id) > here) : failed.findLast((step) => order.get(step.id) < here);
    this.select((after ?? (by > 0 ? failed[0] : failed.at(-1))).id, { push: true });
  }

  find(typed) {
    const { model } = this;
    const text = typed.toLowerCase();
    const run = /^(?:run[ _]?)?(\d+)$/.exec(text);
    const step = /^(?:step_)?(\d+)[._ ](\d+)$/.exec(text);
    const ids = () => model.steps.find(({ id }) => [model.recorded.get(id).response_id, model.recorded.get(id).call_id].includes(typed));
    const found = step ? model.byId.get(`step_${step[1]}_${step[2]}`) : run ? model.runs.find((each) => String(each.number) === run[1])?.steps[0] : (model.byId.get(typed) ?? ids());
    return found ? [joined(found.number, found.word, found.name, model.line(found, 50)), () => this.select(found.id, { push: true })] : null;
  }

  key(event) {
    if (!this.model) return false;
    const { key } = event;
    const inRows = event.target.classList.contains("rows");
    if (key === "j" || (key === "ArrowDown" && inRows)) this.outline.step(1);
    else if (key === "k" || (key === "ArrowUp" && inRows)) this.outline.step(-1);
    else if (key === "ArrowRight" && inRows) return this.outline.turn(true);
    else if (key === "ArrowLeft" && inRows) return this.outline.turn(false);
    else if (key === "e") this.nextFailure(1);
    else if (key === "E") this.nextFailure(-1);
    else if (key === "Enter" && !event.target.closest("button, a, summary, select, [role=button], [role=link]")) {
      if (!this.stepId) this.outline.step(1);
      this.read();
    } else if (key === "/") this.outline.search.focus();
    else if (key === "?") showKeys();
    else if (key === "g") {
      const views = TABS.map(([name, words, letter]) => [letter, words, () => this.show(name, { push: true })]);
      goTo([...views, ["e", "the first error", () => this.model.about.first && this.select(this.model.about.first, { push: true })], ["g", "the first step", () => this.model.steps.length && this.select(this.model.steps[0].id, { push: true })], ...(mode === "served" ? [["l", "the list of sessions", this.leave]] : [])], (typed) => this.find(typed));
    } else if (key === "G" && this.model.steps.length) this.select(this.model.steps.at(-1).id, { push: true });
    else return this.views[this.tab].key?.(event) ?? false;
    return true;
  }

  escape() {
    const { search } = this.outline;
    if (document.activeElement === search) {
      if (search.value) {
        search.value = "";
        this.outline.look();
      }
      this.outline.rows.element.focus();
    } else if (this.panel.has(document.activeElement) && !isNarrow()) this.outline.rows.element.focus();
    else if (this.stepId) this.select(null, { push: true });
    else if (mode === "served") this.leave();
    return true;
  }
}
