// The step panel: what a step was given, what came out, how it went, and what it hangs together with.

import { announce, button, copy, el, fill, mark, named, visible } from "./dom.js";
import { curlOf } from "./curl.js";
import { explained } from "./explain.js";
import { counted, joined, number } from "./format.js";
import { facts, findings, overview, section, stepLink } from "./overview.js";
import { details, explanation, mode } from "./source.js";
import { plain, treeView, valueView } from "./values.js";

const MOST = 12;
const FACTS = 100;

export class Panel {
  constructor({ select, close, notes }) {
    this.select = select;
    this.notes = notes;
    this.close = close;
    this.element = el("aside", { class: "panel", id: "step", "aria-label": "Step" });
  }

  async update(model, stepId) {
    const step = model.byId.get(stepId);
    const asked = `${step ? stepId : ""}|${model.version}|${model.noted.version}`;
    if (asked === this.asked) return;
    this.asked = asked;
    if (!step) {
      this.fill(null, () => {
        const [head, ...parts] = overview(model, { select: this.select });
        return this.withNotes(model, null, [head], parts);
      });
      return;
    }
    // Another step at once says what it is; what is there stays until what comes in its place is there, if it differs.
    if (this.stepId !== stepId) {
      this.why = null;
      this.fill(stepId, () => [this.head(model, step)]);
    }
    let told;
    try {
      told = await details(model.about.id, stepId);
    } catch (error) {
      told = { failed: error.message };
    }
    const drawn = `${model.signature(step)}|${JSON.stringify(told)}`;
    if (this.asked !== asked || this.drawn === drawn) return;
    this.fill(stepId, () => [this.head(model, step), ...(told.failed ? [el("p", { class: "told", text: told.failed })] : this.step(model, step, told))]);
    this.drawn = drawn;
  }

  /** Show what `make` makes, which may move a field in which somebody types: it loses the focus then, and is given it back. */
  fill(stepId, make) {
    const scroll = this.stepId === stepId ? this.element.scrollTop : 0;
    const active = document.activeElement;
    const focused = this.element.contains(active);
    this.stepId = stepId;
    this.drawn = null;
    fill(this.element, ...make());
    this.element.scrollTop = scroll;
    if (focused && active.isConnected) active.focus({ preventScroll: true });
    else if (focused) this.focus();
  }

  focus() {
    this.element.querySelector(".panel-title")?.focus();
  }

  has(element) {
    return this.element.contains(element);
  }

  head(model, step) {
    return el("header", { class: `panel-head k-${step.look}` },
      el("div", { class: "panel-line" }, el("span", { class: "number", text: step.number }), el("span", { class: "tag big", text: step.word }), mark(step.remarks, step.state), el("span", { class: "grow" }), button("✕", this.close, { class: "plain", "aria-label": "Close the step" })),
      el("h2", { class: "panel-title", tabindex: "-1", dir: "auto", text: step.name ?? step.word.toLowerCase() }),
      el("p", { class: "quiet", text: joined(model.runOf.get(step.id).name, step.took, step.tokens) }),
      el("div", { class: "panel-tools" },
        mode === "served" ? button("Explain", () => this.explain(model, step), { class: "mini", title: "Where its words come from, what the model had and was not told" }) : null,
        model.noted.writes ? button("Note", () => this.notes.write(step.id), { class: "mini", title: "Say something of this step" }) : null,
        button("Copy JSON", () => copy(JSON.stringify(model.recorded.get(step.id), null, 2), "JSON"), { class: "mini" }),
        step.request ? button("Copy curl", () => curlOf(model.about.id, step.id).then((command) => copy(command, "curl, without the key,"), (error) => announce(error.message)), { class: "mini", title: "The request; the key is read from $OPENAI_API_KEY" }) : null,
        button("Copy text", () => copy(plain(model.said(step)), "Text"), { class: "mini" })));
  }

  /** Ask why the step is what it is, and show that first; asked again, put it away. */
  async explain(model, step) {
    if (this.why?.id === step.id) {
      this.why.element.remove();
      this.why = null;
      return;
    }
    let element;
    try {
      element = explained(model, await explanation(model.about.id, step.id), this.select);
    } catch (error) {
      element = el("p", { class: "told", text: visible(error.message) });
    }
    if (this.stepId !== step.id) return;
    this.why?.element.remove();
    this.why = { id: step.id, element };
    this.element.querySelector(".panel-head").after(element);
    announce("Explained");
  }

  step(model, step, told) {
    return [this.why?.id === step.id ? this.why.element : null, this.error(model, step, told.error), this.found(model, step), step.same ? section(step.line, stepLink(model, step.same, this.select)) : null,
      ...this.withNotes(model, step.id, [], [...(told.parts ?? []).map((part) => this.part(model, part)), this.prompt(model, told.prompt), this.facts(told.facts), this.links(model, told.links ?? []), this.raw(model, step)])];
  }

  /** What people noted comes first; a form by itself last. */
  withNotes(model, stepId, first, rest) {
    const notes = this.notes.part(model, stepId);
    return this.notes.on(model, stepId).length ? [...first, notes, ...rest] : [...first, ...rest, notes];
  }

  error(model, step, error) {
    if (!error) return null;
    return el("section", { class: "part error-box", role: "group", "aria-label": "Error" }, el("h3", { text: visible(error.title) }),
      error.at ? valueView(model.value({ step: step.id, at: error.at })) : null, error.told ? el("p", { class: "quiet", text: visible(error.told) }) : null);
  }

  found(model, step) {
    const list = model.foundAt(step.id);
    return list.length ? section("Findings", findings(model, list, this.select)) : null;
  }

  part(model, part) {
    const step = model.byId.get(part.step);
    return el("div", { class: part.link ? `prompt-part k-${step.look}` : "" }, section(part.title, part.told ? el("p", { class: "told", text: part.told }) : null,
      part.link ? stepLink(model, part.step, this.select) : null, part.at || part.text ? valueView(model.value(part), { asMarkdown: model.markdown(part.marked, part.step) }) : null));
  }

  prompt(model, prompt) {
    if (!prompt) return null;
    const part = (each, { open = false, isNew = false } = {}) => {
      const step = model.byId.get(each.step);
      const { word, name = "", look = "other", size = "" } = step ?? each;
      const body = el("div", { class: "prompt-body" });
      const box = el("details", { class: `prompt-part k-${look}` },
        el("summary", {}, ...(step ? named(step) : [el("span", { class: "tag", text: word })]), el("b", { text: name }), " ", el("span", { class: "link-text", dir: "auto", text: step ? model.line(step, 70) : each.line }), isNew ? el("span", { class: "new", text: "new" }) : null, el("span", { class: "o-time", text: size })), body);
      const value = () => (step ? (each.at ? model.value(each) : model.said(step)) : each.item);
      const make = () => body.childElementCount || body.append(valueView(value(), { asMarkdown: model.markdown(step?.marked && !each.at, each.step) }), each.sent ? el("p", { class: "quiet", text: visible(each.sent) }) : "", step ? button(`Open ${step.number}`, () => this.select(step.id, { push: true }), { class: "mini" }) : "");
      box.addEventListener("toggle", () => box.open && make());
      if (open) {
        make();
        box.open = true;
      }
      return box;
    };
    const { fixed, history, new: own, unknown } = prompt;
    const before = el("div");
    if (history.length > 3) {
      const all = button(`Show ${counted(history.length, "item")} from before`, () => all.replaceWith(...history.map((each) => part(each))), { class: "mini history" });
      before.append(all);
    } else before.append(...history.map((each) => part(each)));
    return section(prompt.title, ...unknown.map((words) => el("p", { class: "told", text: `Not known: ${visible(words)}.` })),
      ...fixed.map((each) => part(each)), before, ...own.map((each) => part(each, { open: own.length < 4, isNew: true })));
  }

  facts(rows) {
    const more = button(`${number(rows.length - FACTS)} more`, () => box.replaceWith(section("Facts", facts(rows))), { class: "mini" });
    const box = section("Facts", facts(rows.slice(0, FACTS)), rows.length > FACTS ? more : null);
    return box;
  }

  links(model, links) {
    const list = (ids, most) => {
      const more = () => box.replaceWith(list(ids, ids.length));
      const box = el("ul", { class: "links" }, ...ids.slice(0, most).map((id) => el("li", {}, stepLink(model, id, this.select))), ids.length > most ? el("li", {}, button(`${number(ids.length - most)} more`, more, { class: "mini" })) : null);
      return box;
    };
    return el("div", { class: "relations" }, ...links.map(([title, ids]) => section(title, list(ids, MOST))));
  }

  raw(model, step) {
    const body = el("div");
    const box = el("details", { class: "part" }, el("summary", {}, el("h3", { text: "JSON" })), body);
    box.addEventListener("toggle", () => box.open && (body.childElementCount || body.append(treeView(model.recorded.get(step.id), { depth: 2 }))));
    return box;
  }
}
