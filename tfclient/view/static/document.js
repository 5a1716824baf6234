// The JSON: the document as it is, and the step that is selected in it.

import { button, copy, el, fill } from "./dom.js";
import { treeView } from "./values.js";

export class DocumentView {
  constructor() {
    this.body = el("div", { class: "json", tabindex: "0" });
    this.whole = button("Whole document", () => this.show(null), { class: "mini" });
    this.one = button("Selected step", () => this.show(this.selected), { class: "mini" });
    this.element = el("section", { class: "view document", "aria-label": "JSON" },
      el("div", { class: "view-tools" }, el("div", { class: "segments small", role: "group", "aria-label": "Shown" }, this.whole, this.one), el("span", { class: "grow" }),
        button("Copy JSON", () => copy(JSON.stringify(this.value(), null, 1), "JSON"), { class: "mini" })),
      this.body);
    this.shown = null;
  }

  value() {
    return this.shown ? this.model.byId.get(this.shown) : this.model.session;
  }

  update(model, selected) {
    const changed = this.model !== model;
    const scroll = this.body.scrollTop;
    this.model = model;
    this.selected = selected;
    if (this.shown && !model.byId.has(this.shown)) this.shown = null;
    if (changed) this.show(this.shown);
    this.body.scrollTop = scroll;
  }

  show(stepId) {
    this.shown = stepId && this.model.byId.has(stepId) ? stepId : null;
    this.whole.setAttribute("aria-pressed", this.shown === null);
    this.one.setAttribute("aria-pressed", this.shown !== null);
    this.one.disabled = !this.selected;
    fill(this.body, treeView(this.value(), { depth: this.shown ? 3 : 2 }));
  }

  reveal(stepId) {
    this.selected = stepId;
    this.show(this.shown === null && stepId ? null : stepId);
  }
}
