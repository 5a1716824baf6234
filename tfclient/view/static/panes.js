// The panes of a session: side by side with borders that can be moved, or one at a time where there is no room for more.

import { el } from "./dom.js";

const KEY = "tfclient-panes";
const STEP = 16;
const narrow = matchMedia("(max-width: 699px)");
const stacked = matchMedia("(max-width: 1100px)");

/** Whether there is room for one pane only. */
export function isNarrow() {
  return narrow.matches;
}

function stored() {
  try {
    const sizes = JSON.parse(localStorage.getItem(KEY));
    return typeof sizes === "object" && sizes !== null ? sizes : {};
  } catch {
    return {};
  }
}

function keep(name, size) {
  try {
    localStorage.setItem(KEY, JSON.stringify({ ...stored(), [name]: size ?? undefined }));
  } catch {
    // A file may be kept from storing anything: the sizes then last as long as the page.
  }
}

/** Do something when that changes, as when a screen is turned. */
export function whenNarrow(action) {
  narrow.addEventListener("change", action);
}

/** Whether a step stands below the views, not beside them. */
export function isStacked() {
  return stacked.matches;
}

/** A pane's border that can be moved, by hand or with the arrow keys; double click or Enter gives it its own place again. */
export class Border {
  /** `after` tells whether the pane stands after its border; `isAcross` whether the border lies across now. */
  constructor({ pane, label, name, after = false, isAcross = () => false }) {
    this.pane = pane;
    this.after = after;
    this.isAcross = isAcross;
    this.names = [`${name}-width`, `${name}-height`];
    this.element = el("div", { class: `border is-${name}`, role: "separator", tabindex: "0", "aria-label": label, "aria-controls": pane.id, title: "Drag, or arrow keys; double click resets" });
    this.element.addEventListener("pointerdown", (event) => event.button === 0 && this.element.setPointerCapture(event.pointerId));
    this.element.addEventListener("pointermove", (event) => this.element.hasPointerCapture(event.pointerId) && this.set(this.sizeAt(event)));
    this.element.addEventListener("dblclick", () => this.set(null));
    this.element.addEventListener("keydown", (event) => this.key(event));
    stacked.addEventListener("change", () => this.tell());
    new ResizeObserver(() => this.tell()).observe(pane);
  }

  /** Take the sizes that were set before. */
  begin(session) {
    this.session = session;
    const sizes = stored();
    for (const name of this.names) if (Number.isFinite(sizes[name])) session.style.setProperty(`--${name}`, `${sizes[name]}px`);
  }

  get name() {
    return this.names[this.isAcross() ? 1 : 0];
  }

  get size() {
    const box = this.pane.getBoundingClientRect();
    return this.isAcross() ? box.height : box.width;
  }

  sizeAt(event) {
    const box = this.pane.getBoundingClientRect();
    const [at, from, to] = this.isAcross() ? [event.clientY, box.top, box.bottom] : [event.clientX, box.left, box.right];
    return this.after ? to - at : at - from;
  }

  /** The styles keep a size within bounds: what comes of it is what is kept. */
  set(size) {
    const { name, session } = this;
    if (size === null) session.style.removeProperty(`--${name}`);
    else session.style.setProperty(`--${name}`, `${Math.max(1, Math.round(size))}px`);
    keep(name, size === null ? null : Math.round(this.size));
    this.tell();
  }

  key(event) {
    const [less, more] = this.isAcross() ? ["ArrowUp", "ArrowDown"] : ["ArrowLeft", "ArrowRight"];
    const sizes = { [less]: this.size + (this.after ? STEP : -STEP), [more]: this.size + (this.after ? -STEP : STEP), Home: 1, End: 1e5, Enter: null };
    if (!Object.hasOwn(sizes, event.key)) return;
    event.preventDefault();
    event.stopPropagation();
    this.set(sizes[event.key]);
  }

  tell() {
    const whole = this.session && (this.isAcross() ? this.session.clientHeight : this.session.clientWidth);
    this.element.setAttribute("aria-orientation", this.isAcross() ? "horizontal" : "vertical");
    this.element.setAttribute("aria-valuenow", String(whole ? Math.round((100 * this.size) / whole) : 0));
  }
}
