// The JSON: the document as it is, and the step that is selected in it.

import { button, copy, el, fill } from "./dom.js";
import { treeView } from "./values.js";

export class DocumentView {
  constructor() {
    this.body = el("div", { class: "json", tabindex: "0" });
    this.whole = button("Whole document", () => this.show(null), { class: "mini" });
    this.one = button("Selected step", () => this.show(this.selected), { class: "mini" });
    this.newer = button("The session went on: show it", () => this.show(this.shown), { class: "mini" });
    this.newer.hidden = true;
    this.element = el("section", { class: "view document", "aria-label": "JSON" },
      el("div", { class: "view-tools" }, el("div", { class: "segments small", role: "group", "aria-label": "Shown" }, this.whole, this.one), this.newer, el("span", { class: "grow" }),
        button("Copy JSON", () => copy(JSON.stringify(this.value(), null, 1), "JSON"), { class: "mini" })),
      this.body);
    this.shown = null;
  }

  value() {
    return this.shown ? this.model.recorded.get(this.shown) : this.model.document;
  }

  update(model, selected) {
    const first = this.model === undefined;
    this.model = model;
    this.selected = selected;
    this.one.disabled = !selected;
    // What somebody has opened is not closed under their eyes because the session went on.
    if (first) this.show(null);
    else this.newer.hidden = false;
  }

  show(stepId) {
    this.shown = stepId && this.model.recorded.has(stepId) ? stepId : null;
    this.whole.setAttribute("aria-pressed", this.shown === null);
    this.one.setAttribute("aria-pressed", this.shown !== null);
    this.one.disabled = !this.selected;
    this.newer.hidden = true;
    fill(this.body, treeView(this.value(), { depth: this.shown ? 3 : 2 }));
  }

  reveal(stepId) {
    if (!stepId) return;
    this.selected = stepId;
    this.one.disabled = false;
    if (this.shown !== null && this.shown !== stepId) this.show(stepId);
  }
}
