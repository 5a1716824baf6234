// A long list of rows of one height, of which only those in sight exist. The list itself has the focus; the row
// that is current is told by aria-activedescendant.

import { el } from "./dom.js";

let lists = 0;

export class Rows {
  /** `render(index)` returns a row's element; `pick(index)` is told of clicks and of Enter. */
  constructor({ label, height, render, pick, className = "" }) {
    this.height = height;
    this.render = render;
    this.count = 0;
    this.current = -1;
    this.id = `rows${(lists += 1)}`;
    this.shown = new Map();
    this.space = el("div", { class: "rows-space", role: "presentation" });
    this.element = el("div", { class: `rows ${className}`, role: "listbox", tabindex: "0", "aria-label": label }, this.space);
    this.element.addEventListener("scroll", () => this.draw(), { passive: true });
    this.element.addEventListener("click", (event) => {
      const row = event.target.closest("[data-row]");
      if (row && !event.target.closest("a, button")) pick(Number(row.dataset.row), event);
    });
    this.element.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && this.current >= 0 && event.target === this.element) {
        event.preventDefault();
        event.stopPropagation();
        pick(this.current, event, true);
      }
    });
    new ResizeObserver(() => this.draw()).observe(this.element);
  }

  /** Draw anew, with so many rows. */
  reset(count) {
    this.count = count;
    if (this.current >= count) this.current = count - 1;
    this.space.style.height = `${count * this.height}px`;
    for (const row of this.shown.values()) row.remove();
    this.shown.clear();
    this.draw();
  }

  /** Make a row the current one and bring it in sight. */
  go(index, { scroll = true } = {}) {
    this.current = Math.max(-1, Math.min(index, this.count - 1));
    if (scroll && this.current >= 0) {
      const top = this.current * this.height;
      const { scrollTop, clientHeight } = this.element;
      const margin = this.height;
      if (top < scrollTop + margin || top + this.height > scrollTop + clientHeight - margin) {
        const middle = top - clientHeight / 2 + this.height / 2;
        const nearest = top < scrollTop + margin ? top - margin : top + this.height + margin - clientHeight;
        this.element.scrollTop = clientHeight === 0 ? middle : nearest;
      }
    }
    this.draw();
  }

  atEnd() {
    return this.element.scrollTop + this.element.clientHeight >= this.count * this.height - this.height;
  }

  toEnd() {
    this.element.scrollTop = this.count * this.height;
  }

  draw() {
    const { scrollTop, clientHeight } = this.element;
    const first = Math.max(0, Math.floor(scrollTop / this.height) - 12);
    const last = Math.min(this.count, Math.ceil((scrollTop + clientHeight) / this.height) + 12);
    for (const [index, row] of this.shown) {
      if (index < first || index >= last) {
        row.remove();
        this.shown.delete(index);
      }
    }
    for (let index = first; index < last; index += 1) {
      if (this.shown.has(index)) continue;
      const row = this.render(index);
      row.dataset.row = index;
      row.id = `${this.id}-${index}`;
      row.setAttribute("role", "option");
      row.setAttribute("aria-setsize", this.count);
      row.setAttribute("aria-posinset", index + 1);
      row.style.top = `${index * this.height}px`;
      row.style.height = `${this.height}px`;
      this.space.append(row);
      this.shown.set(index, row);
    }
    this.mark();
  }

  mark() {
    for (const [index, row] of this.shown) {
      row.classList.toggle("is-current", index === this.current);
      row.setAttribute("aria-selected", index === this.current);
    }
    if (this.current >= 0) this.element.setAttribute("aria-activedescendant", `${this.id}-${this.current}`);
    else this.element.removeAttribute("aria-activedescendant");
  }
}
