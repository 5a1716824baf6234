// The flow: the session's D2 boards, to pan and zoom; a click on a node opens its step, on a run its board.

import { button, copy, el, fill, oneLine, visible } from "./dom.js";
import { joined } from "./format.js";
import { pictureFrom } from "./picture.js";
import { boards, d2, picture } from "./source.js";

const ROOT = "index";
const CLOSE = 0.02;
const FAR = 4;
const MOVED = 5;
/** Milliseconds between two drawings of a live session: d2 takes a whole processor. */
const REDRAW = 4000;
/** Diagram units to a pixel: labels are 15 units high. */
const READABLE = 1.35;
const OVERVIEW = 3;
const MAGNIFIED = 0.8;

export class Flow {
  constructor({ select, stepOf }) {
    this.select = select;
    this.stepOf = stepOf;
    this.board = ROOT;
    this.boards = [];
    this.chooser = el("select", { class: "field", "aria-label": "Board" });
    this.chooser.addEventListener("change", () => this.open(this.chooser.value));
    this.crumbs = el("div", { class: "crumbs" });
    this.tip = el("div", { class: "tip", role: "presentation" });
    this.stage = el("div", { class: "stage", tabindex: "0", role: "group", "aria-label": "Diagram; drag to move, Ctrl and wheel to zoom" });
    this.element = el("section", { class: "view flow", "aria-label": "Flow" },
      el("div", { class: "view-tools" }, this.crumbs, this.chooser, el("span", { class: "grow" }),
        button("−", () => this.zoom(1.25), { class: "mini", "aria-label": "Zoom out" }), button("+", () => this.zoom(0.8), { class: "mini", "aria-label": "Zoom in" }), button("Fit", () => this.fit(), { class: "mini" }),
        button("Copy D2", async () => copy(await d2(this.sessionId), "D2"), { class: "mini" })),
      this.stage, this.tip);
    this.listen();
  }

  async update(model, selected) {
    const first = this.sessionId !== model.about.id;
    this.model = model;
    this.sessionId = model.about.id;
    const { version } = model;
    clearTimeout(this.later);
    const wait = model.about.live && !first ? REDRAW - (performance.now() - this.drawn) : 0;
    if (version !== this.version && wait > 0) this.later = setTimeout(() => this.update(model, this.selected), wait);
    else if (version !== this.version) {
      this.version = version;
      this.drawn = performance.now();
      try {
        this.boards = await boards(this.sessionId);
      } catch (error) {
        this.tell(error);
        return;
      }
      this.offer();
      await this.open(first && selected ? this.boardOf(selected) : this.board, { keep: !first });
    }
    this.mark(selected, { centre: first });
  }

  /** The board to see a step on: this one if it is here, the overview if it is there, else its run's own. */
  boardOf(stepId) {
    if (this.svg?.querySelector(`[data-step="${CSS.escape(stepId)}"]`)) return this.board;
    if (this.model.steps.length <= 80) return ROOT;
    return this.boards.find((board) => board.step_ids.includes(stepId))?.key ?? ROOT;
  }

  offer() {
    const shown = this.boards.map((board) => el("option", { value: board.key, text: visible(oneLine(board.title, 70)) }));
    fill(this.chooser, ...shown);
    this.chooser.value = this.board;
  }

  async open(board, { keep = false } = {}) {
    this.board = this.boards.some((each) => each.key === board) ? board : ROOT;
    this.chooser.value = this.board;
    fill(this.crumbs, this.board === ROOT ? null : button("‹ All runs", () => this.open(ROOT), { class: "mini" }));
    const asked = (this.asked = (this.asked ?? 0) + 1);
    const { view } = this;
    if (!keep) fill(this.stage, el("p", { class: "loading", text: "Drawing…" }));
    try {
      const svg = pictureFrom(await picture(this.sessionId, this.board));
      if (asked !== this.asked) return;
      if (svg === null) throw new Error("The diagram cannot be read. Copy D2 gives its text.");
      this.show(svg);
      if (keep && view) this.look(view);
      else this.begin();
      this.mark(this.selected);
    } catch (error) {
      if (asked === this.asked) this.tell(error);
    }
  }

  tell(error) {
    this.svg = null;
    fill(this.stage, el("div", { class: "told-page" }, el("p", { class: "told", text: error.message }),
      error.kind === "no_compiler" ? el("p", { class: "quiet", text: "Timeline, transcript and JSON need no d2. Copy D2 gives the text of the diagram, for https://play.d2lang.com or any D2 program." }) : null));
  }

  show(svg) {
    this.svg = svg;
    svg.classList.add("board");
    const [, , width, height] = (svg.getAttribute("viewBox") ?? "0 0 100 100").split(/[\s,]+/).map(Number);
    this.size = { width: width || 100, height: height || 100 };
    svg.removeAttribute("width");
    svg.removeAttribute("height");
    for (const node of svg.querySelectorAll("[data-step]")) {
      const step = this.stepOf(node.dataset.step);
      if (!step) continue;
      node.setAttribute("tabindex", "0");
      node.setAttribute("role", "button");
      node.setAttribute("aria-label", joined(step.number, step.word, step.name, step.remarks, this.model.line(step, 80)));
    }
    for (const node of svg.querySelectorAll("[data-board]")) {
      node.setAttribute("tabindex", "0");
      node.setAttribute("role", "link");
    }
    fill(this.stage, svg);
  }

  look(view) {
    this.view = view;
    this.svg?.setAttribute("viewBox", `${view.x} ${view.y} ${view.width} ${view.height}`);
  }

  /** Begin at the top of the board, as large as it can be read. */
  begin() {
    if (!this.svg || !this.stage.clientWidth) return;
    const { clientWidth, clientHeight } = this.stage;
    const across = this.size.width / clientWidth;
    const scale = this.svg.querySelector("[data-step]")
      ? Math.min(Math.max(across, this.size.height / clientHeight, MAGNIFIED), READABLE)
      : Math.min(Math.max(across, MAGNIFIED), OVERVIEW);
    const width = clientWidth * scale;
    const height = clientHeight * scale;
    const title = this.svg.querySelector(".d-title")?.getBBox() ?? { x: 0, width: this.size.width };
    const board = this.svg.querySelector("svg")?.viewBox.baseVal.x ?? 0;
    const middle = this.size.width <= width ? this.size.width / 2 : title.x - board + title.width / 2;
    this.look({ x: middle - width / 2, y: this.size.height > height ? 0 : (this.size.height - height) / 2, width, height });
  }

  /** Show the whole board. */
  fit() {
    if (!this.svg || !this.stage.clientWidth) return;
    const { clientWidth, clientHeight } = this.stage;
    const scale = Math.max(this.size.width / clientWidth, this.size.height / clientHeight, MAGNIFIED);
    const width = clientWidth * scale;
    const height = clientHeight * scale;
    this.look({ x: (this.size.width - width) / 2, y: (this.size.height - height) / 2, width, height });
  }

  zoom(by, at = null) {
    if (!this.svg || !this.view) return;
    const { clientWidth } = this.stage;
    const width = Math.min(Math.max(this.view.width * by, clientWidth * CLOSE), Math.max(this.size.width, clientWidth) * FAR);
    const scale = width / this.view.width;
    const point = at ?? { x: this.view.x + this.view.width / 2, y: this.view.y + this.view.height / 2 };
    this.look({ x: point.x + (this.view.x - point.x) * scale, y: point.y + (this.view.y - point.y) * scale, width, height: this.view.height * scale });
  }

  point(event) {
    const box = this.stage.getBoundingClientRect();
    return { x: this.view.x + ((event.clientX - box.left) / box.width) * this.view.width, y: this.view.y + ((event.clientY - box.top) / box.height) * this.view.height };
  }

  pan(dx, dy) {
    if (!this.view) return;
    const scale = this.view.width / this.stage.clientWidth;
    this.look({ ...this.view, x: this.view.x - dx * scale, y: this.view.y - dy * scale });
  }

  listen() {
    let drag = null;
    this.stage.addEventListener("wheel", (event) => {
      if (!this.svg) return;
      event.preventDefault();
      if (event.ctrlKey || event.metaKey) this.zoom(Math.exp(event.deltaY * 0.004), this.point(event));
      else this.pan(-event.deltaX, -event.deltaY);
    }, { passive: false });
    this.stage.addEventListener("pointerdown", (event) => {
      if (event.button === 0) drag = { x: event.clientX, y: event.clientY, moved: false };
    });
    this.stage.addEventListener("pointermove", (event) => {
      if (!drag) return this.hover(event);
      if (!drag.moved && Math.hypot(event.clientX - drag.x, event.clientY - drag.y) < MOVED) return;
      if (!drag.moved) this.stage.setPointerCapture(event.pointerId);
      drag.moved = true;
      this.pan(event.clientX - drag.x, event.clientY - drag.y);
      Object.assign(drag, { x: event.clientX, y: event.clientY });
      this.stage.classList.add("is-dragged");
    });
    this.stage.addEventListener("pointerup", () => {
      this.stage.classList.remove("is-dragged");
      this.wasDrag = drag?.moved ?? false;
      drag = null;
    });
    this.stage.addEventListener("pointerleave", () => this.tip.classList.remove("is-shown"));
    this.stage.addEventListener("click", (event) => this.wasDrag || this.follow(event.target));
    this.stage.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && event.target !== this.stage) {
        event.stopPropagation();
        this.follow(event.target);
      }
    });
    new ResizeObserver(() => {
      if (!this.svg || !this.stage.clientWidth) return;
      if (!this.view) this.begin();
      else this.look({ ...this.view, height: (this.view.width * this.stage.clientHeight) / this.stage.clientWidth });
    }).observe(this.stage);
  }

  follow(target) {
    const node = target.closest?.("[data-step]");
    if (node) {
      this.select(node.dataset.step, { push: true });
      return;
    }
    const board = target.closest?.("[data-board]");
    // A run's box is as large as what is in it: only its title leads on, so that a stray click does not.
    const box = board?.querySelector(".d-run, .d-run_warn, .d-run_failed");
    if (board && (!box || target.closest("text") || target === board)) this.open(board.dataset.board);
  }

  hover(event) {
    const node = event.target.closest?.("[data-step]");
    const step = node && this.stepOf(node.dataset.step);
    this.tip.classList.toggle("is-shown", Boolean(step));
    if (!step) return;
    const box = this.element.getBoundingClientRect();
    if (this.tip.dataset.step !== step.id) {
      this.tip.dataset.step = step.id;
      fill(this.tip, el("b", { text: joined(step.number, step.word, step.name, step.remarks) }), el("div", { class: "text-block", dir: "auto", text: this.model.line(step, 420) }));
    }
    this.tip.style.left = `${Math.min(event.clientX - box.left + 14, box.width - 340)}px`;
    this.tip.style.top = `${event.clientY - box.top + 16}px`;
  }

  mark(stepId, { centre = false } = {}) {
    this.selected = stepId;
    if (!this.svg) return;
    for (const node of this.svg.querySelectorAll(".is-selected")) node.classList.remove("is-selected");
    const node = stepId && this.svg.querySelector(`[data-step="${CSS.escape(stepId)}"]`);
    if (!node) return;
    node.classList.add("is-selected");
    const shape = node.getBoundingClientRect();
    const stage = this.stage.getBoundingClientRect();
    if (!stage.width) return;
    const across = shape.left < stage.left || shape.right > stage.right;
    const down = centre || shape.top < stage.top || shape.bottom > stage.bottom;
    this.pan(across ? (stage.left + stage.right - shape.left - shape.right) / 2 : 0, down ? (stage.top + stage.bottom - shape.top - shape.bottom) / 2 : 0);
  }

  /** Show where a step is, on another board if it must be. */
  async reveal(stepId) {
    this.selected = stepId;
    if (!this.svg) return;
    const board = stepId ? this.boardOf(stepId) : this.board;
    if (board !== this.board && !this.stepOf(stepId).snapshot) await this.open(board);
    this.mark(stepId);
  }

  key(event) {
    if (event.key === "+" || event.key === "=") this.zoom(0.8);
    else if (event.key === "-") this.zoom(1.25);
    else if (event.key === "0") this.fit();
    else return false;
    return true;
  }
}
