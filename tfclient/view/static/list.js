// The list of sessions: searched and filtered by the server, fetched a page at a time, drawn row by row.

import { button, el, fill, mark, visible } from "./dom.js";
import { goTo, showKeys } from "./dialogs.js";
import { counted, number } from "./format.js";
import { isNarrow } from "./panes.js";
import { Rows } from "./rows.js";
import { costs, names, priced, sessions } from "./source.js";
import { themeButton } from "./theme.js";

const PAGE = 100;
const RESULTS = [["", "All"], ["failed", "Failed"], ["errors", "With errors"], ["active", "Running"]];
const SINCE = [["", "any time"], ["1h", "last hour"], ["24h", "last day"], ["7d", "last week"], ["30d", "last month"]];
const SORT = [["", "latest first"], ["tokens", "most tokens first"], ["time", "longest first"]];
const REFRESH = 2000;

export class ListView {
  constructor(root, { open, filters = {} }) {
    this.root = root;
    this.open = open;
    this.filters = { q: "", result: "", tool: "", model: "", since: "", sort: "", noted: "", tag: "", score: "", ...filters };
    this.pages = new Map();
    this.costs = new Map();
    this.asked = 0;
    this.rows = new Rows({ label: "Sessions", height: isNarrow() ? 60 : 46, render: (index) => this.row(index), pick: (index) => this.openAt(index), className: "list-rows" });
    this.search = el("input", { type: "search", class: "field", placeholder: "Search title, id, tool, model, answer, metadata", "aria-label": "Search sessions", value: this.filters.q });
    this.search.addEventListener("input", () => this.filter({ q: this.search.value }));
    this.results = el("div", { class: "segments", role: "group", "aria-label": "Result" },
      ...RESULTS.map(([value, name]) => button(name, () => this.filter({ result: value }), { "data-value": value })));
    this.tool = this.choice("tool", "Tool", [["", "any tool"]]);
    this.model = this.choice("model", "Model", [["", "any model"]]);
    this.noted = this.choice("noted", "Notes", [["", "noted or not"], ["yes", "noted"]]);
    this.tag = this.choice("tag", "Tag", [["", "any tag"]]);
    this.score = el("input", { type: "text", class: "field score", placeholder: "score <0.5", "aria-label": "Score of a note, such as <0.5", autocomplete: "off", value: this.filters.score });
    this.score.addEventListener("change", () => this.filter({ score: this.score.value }));
    // Where nothing was noted, there is nothing to find by.
    this.aboutNotes = [this.noted, this.tag, this.score];
    for (const each of this.aboutNotes) each.hidden = !(this.filters.noted || this.filters.tag || this.filters.score);
    this.since = this.choice("since", "Started", SINCE);
    this.sort = this.choice("sort", "Order", SORT);
    this.count = el("p", { class: "count", role: "status" });
    this.note = el("div", { class: "told-space" });
    const head = ["", "Session", "Model", "Runs", "Calls", "Tools", "Errors", "Tokens", ...(priced ? ["Cost"] : []), "Took", "Age"];
    root.classList.toggle("is-priced", priced);
    fill(root,
      el("header", { class: "bar" }, el("h1", { class: "brand", text: "Sessions" }), this.count, el("span", { class: "grow" }), themeButton(), button("Keys", showKeys, { class: "plain keys-button" })),
      el("div", { class: "filters", role: "search" }, this.search, this.results, this.tool, this.model, this.since, this.sort, ...this.aboutNotes),
      this.note,
      el("main", { class: "list" }, el("div", { class: "list-head list-columns", "aria-hidden": "true" }, ...head.map((name) => el("span", { text: name }))), this.rows.element));
    document.title = "Sessions · tfclient";
    this.mark();
    this.load();
    names().then(({ tools, models, tags, noted }) => {
      if (noted) for (const each of this.aboutNotes) each.hidden = false;
      this.offer(this.tag, "any tag", tags, "tag");
      this.offer(this.tool, "any tool", tools, "tool");
      this.offer(this.model, "any model", models, "model");
    }, () => {});
    this.timer = setInterval(() => document.visibilityState === "visible" && this.refresh(), REFRESH);
    this.rows.element.focus();
  }

  close() {
    clearInterval(this.timer);
  }

  choice(name, label, options) {
    const select = el("select", { class: "field", "aria-label": label }, ...options.map(([value, words]) => el("option", { value, text: words })));
    select.value = this.filters[name];
    select.addEventListener("change", () => this.filter({ [name]: select.value }));
    return select;
  }

  offer(select, any, found, name) {
    const options = found.map(([value, count]) => el("option", { value, text: `${visible(value)} (${number(count)})` }));
    fill(select, el("option", { value: "", text: any }), ...options);
    select.value = this.filters[name];
  }

  filter(change) {
    Object.assign(this.filters, change);
    this.mark();
    this.rows.element.scrollTop = 0;
    this.rows.current = -1;
    this.load();
  }

  mark() {
    for (const each of this.results.children) each.setAttribute("aria-pressed", each.dataset.value === this.filters.result);
  }

  /** Begin again with the first page of what is asked for now. */
  async load() {
    const asked = (this.asked += 1);
    try {
      const page = await sessions(this.filters, 0, PAGE);
      if (asked !== this.asked) return;
      this.pages = new Map([[0, page.rows]]);
      this.show(page);
      this.price(0);
    } catch (error) {
      if (asked === this.asked) this.tell(error.message);
    }
  }

  show(page) {
    this.seen = JSON.stringify([page.version, page.rows]);
    this.total = page.total;
    fill(this.count, page.total === page.all ? counted(page.all, "session") : `${number(page.total)} of ${counted(page.all, "session")}`);
    this.root.classList.toggle("is-empty", page.all === 0);
    if (page.trouble.length) this.tell(`Not all sessions are listed. ${page.trouble[0]}`);
    else if (page.all === 0) this.tell("Nothing has been recorded here yet. Change `from openai import OpenAI` to `from tfclient import TracedOpenAI as OpenAI` and run your program.");
    else if (page.total === 0) this.tell("No session is like that. Take a filter away.");
    else this.tell("");
    this.rows.reset(page.total);
    if (this.rows.current < 0 && page.total) this.rows.go(0);
  }

  async refresh() {
    const asked = this.asked;
    const first = Math.floor(this.rows.element.scrollTop / this.rows.height / PAGE);
    try {
      const page = await sessions(this.filters, first * PAGE, PAGE);
      if (asked !== this.asked || JSON.stringify([page.version, page.rows]) === this.seen) return;
      this.pages = new Map([[first, page.rows]]);
      this.show(page);
      this.price(first);
    } catch (error) {
      this.tell(error.message);
    }
  }

  tell(words) {
    const parts = words.split("`").map((part, n) => (n % 2 ? el("code", { text: part }) : part));
    fill(this.note, words ? el("p", { class: "told" }, ...parts) : null);
  }

  at(index) {
    const n = Math.floor(index / PAGE);
    if (!this.pages.has(n)) {
      this.pages.set(n, null);
      const { asked, pages } = this;
      sessions(this.filters, n * PAGE, PAGE).then((page) => {
        if (asked !== this.asked || pages !== this.pages) return;
        this.pages.set(n, page.rows);
        this.redraw(n);
        this.price(n);
      }, (error) => this.tell(error.message));
    }
    return this.pages.get(n)?.[index % PAGE];
  }

  /** Costs come after the rows: documents are read for them. */
  price(n) {
    if (!priced) return;
    const { asked, pages } = this;
    costs(this.filters, n * PAGE, PAGE).then((found) => {
      for (const [id, cost] of Object.entries(found)) this.costs.set(id, cost);
      if (asked === this.asked && pages === this.pages) this.redraw(n);
    }, (error) => this.tell(error.message));
  }

  redraw(n) {
    for (const [shown, row] of this.rows.shown) {
      if (Math.floor(shown / PAGE) === n) {
        row.remove();
        this.rows.shown.delete(shown);
      }
    }
    this.rows.draw();
  }

  row(index) {
    const row = this.at(index);
    if (!row) return el("div", { class: "list-row list-columns is-waiting" }, el("span"), el("span", { class: "quiet", text: "…" }));
    const { words } = row;
    const figure = (text, more = {}) => el("span", { class: "figure", ...more, text });
    return el("div", { class: `list-row list-columns is-${words.state}`, "data-session": row.session_id },
      el("span", { class: `state is-${words.state}`, text: words.result }),
      el("span", { class: "list-title" },
        el("span", { class: "title-text", dir: "auto", text: visible(words.title) }),
        el("span", { class: "quiet", dir: "auto", title: visible(words.metadata) }, mark(words.waits && `${words.waits} `, "waiting"), words.notes ? el("span", { class: "noted-words", text: `\u270e ${visible(words.notes)} ` }) : null,
          el("span", { class: "mono", text: row.session_id }), ...[words.metadata, words.answer].filter(Boolean).map((each) => ` · ${visible(each)}`))),
      el("span", { class: "cell-model", title: words.models, text: visible(words.model) }),
      ...["runs", "calls", "tools"].map((name) => figure(words[name])), figure(words.errors, { class: "figure bad" }),
      figure(words.tokens), ...(priced ? [this.cost(row.session_id)] : []), figure(words.took), figure(words.age, { title: words.started }));
  }

  cost(id) {
    const cost = this.costs.get(id);
    return el("span", { class: "figure", title: cost?.told ?? "", text: cost?.words ?? "…" });
  }

  openAt(index) {
    const row = this.at(index);
    if (row) this.open(row.session_id);
  }

  key(event) {
    const { current } = this.rows;
    if (event.key === "j" || (event.key === "ArrowDown" && event.target === this.rows.element)) this.rows.go(current + 1);
    else if (event.key === "k" || (event.key === "ArrowUp" && event.target === this.rows.element)) this.rows.go(Math.max(0, current - 1));
    else if (event.key === "Enter" && current >= 0 && !event.target.closest("button, select")) this.openAt(current);
    else if (event.key === "/") this.search.focus();
    else if (event.key === "?") showKeys();
    else if (event.key === "g") goTo([["g", "the first session", () => this.rows.go(0)], ["f", "failed sessions", () => this.filter({ result: "failed" })], ["a", "all sessions", () => this.filter({ result: "" })], ["r", "running sessions", () => this.filter({ result: "active" })]], null);
    else if (event.key === "G") this.rows.go(this.rows.count - 1);
    else return false;
    if (["j", "k"].includes(event.key)) this.rows.element.focus();
    return true;
  }

  /** Escape in the search field leaves it, and empties it first. */
  escape() {
    if (document.activeElement === this.search && this.search.value) {
      this.search.value = "";
      this.filter({ q: "" });
    }
    this.rows.element.focus();
    return true;
  }
}
