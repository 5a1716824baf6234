// A session: its document, and beside it what is to be shown of it. What a step is called, says, and how it went was
// decided before it came here: this looks it up.

import { oneLine, visible } from "./dom.js";
import { markdown } from "./source.js";
import { plain } from "./values.js";

/** Ids of other steps, and times: whoever types a number does not look for those. */
const ELSEWHERE = new Set(["depends_on", "origin", "started_at", "ended_at"]);

export class Model {
  constructor({ document, reading, version, noted }) {
    this.document = document;
    this.version = version;
    this.note(noted);
    this.about = reading.session;
    this.runs = reading.runs;
    this.steps = [];
    this.byId = new Map();
    this.recorded = new Map();
    this.runOf = new Map();
    this.runs.forEach((run, n) => {
      run.steps ??= [];
      run.steps.forEach((step) => {
        this.steps.push(step);
        this.byId.set(step.id, step);
        this.recorded.set(step.id, document.runs[n].steps[step.place ?? 0]);
        this.runOf.set(step.id, run);
      });
    });
    // What is told as one: a loop among a run's steps, many runs in a row.
    this.rows = new Map((reading.rows ?? []).map((row) => [row.at, { ...row, key: `runs/${row.at}`, lead: this.runs[row.at].steps[0]?.id }]));
    this.foldOf = new Map();
    for (const row of this.rows.values()) for (const run of this.runs.slice(row.at, row.at + row.runs)) for (const step of run.steps) this.foldOf.set(step.id, row);
    for (const run of this.runs) {
      run.loops = new Map((run.loops ?? []).map((loop) => [loop.at, { ...loop, key: `${run.id}/${loop.at}`, begins: run.steps[loop.at].number }]));
      for (const loop of run.loops.values()) for (const step of run.steps.slice(loop.at, loop.at + loop.steps)) this.foldOf.set(step.id, loop);
    }
    this.digits = this.steps.reduce((most, step) => Math.max(most, step.number.length), 0);
    this.failed = this.steps.filter((step) => step.failed);
    this.words = new Map();
    const { list = [], steps = {}, words = "", not_looked_for: missed = [] } = reading.found ?? {};
    this.found = { list, steps, words, missed };
  }

  /**
   * What stands below each other, with what is told as one and opens: `{ run }`, `{ step }` and `{ fold }`. Of a loop that is
   * closed so many of its first steps stand as `first(loop)` says.
   */
  entries(opened, first) {
    const entries = [];
    const addRun = (run) => {
      entries.push({ run });
      for (let at = 0; at < run.steps.length; at += 1) {
        const loop = run.loops.get(at);
        const shown = !loop ? 1 : opened.has(loop.key) ? loop.steps : first(loop);
        if (loop) entries.push({ fold: loop });
        for (const step of run.steps.slice(at, at + shown)) entries.push({ step });
        at += loop ? loop.steps - 1 : 0;
      }
    };
    for (let n = 0; n < this.runs.length; n += 1) {
      const row = this.rows.get(n);
      if (row) entries.push({ fold: row });
      if (!row || opened.has(row.key)) this.runs.slice(n, n + (row?.runs ?? 1)).forEach(addRun);
      n += row ? row.runs - 1 : 0;
    }
    return entries;
  }

  /** Take what people noted, which changes while the session does not. */
  note(noted) {
    this.noted = noted;
    this.notesOn = new Map();
    for (const each of noted.notes) {
      if (!this.notesOn.has(each.step_id)) this.notesOn.set(each.step_id, []);
      this.notesOn.get(each.step_id).push(each);
    }
  }

  /** The mark of the first note on what is told as one. */
  noteIn(fold) {
    const noted = Object.keys(this.noted.marks).find((stepId) => this.foldOf.get(stepId) === fold);
    return noted && this.noted.marks[noted];
  }

  /** The notes on a step. */
  notesAt(stepId) {
    return this.notesOn.get(stepId) ?? [];
  }

  /** The findings that rest on a step. */
  foundAt(stepId) {
    return (this.found.steps[stepId]?.places ?? []).map((place) => this.found.list[place]);
  }

  /** What stands at a place of a recorded step, or the text that was put together. */
  value({ step, at, text }) {
    return at ? at.reduce((value, key) => value?.[key], this.recorded.get(step)) : (text ?? "");
  }

  said(step) {
    return this.value({ step: step.id, at: step.at, text: step.text });
  }

  /** How to have what a step says as Markdown, where it looks like that. */
  markdown(marked, stepId) {
    return marked ? () => markdown(this.about.id, stepId) : null;
  }

  media(step) {
    return (step.media ?? []).map((at) => this.value({ step: step.id, at }));
  }

  /** The beginning of what a step says. */
  line(step, length) {
    return oneLine(step.line ?? visible(plain(this.said(step)).slice(0, length * 4)), length);
  }

  /** All that can be searched of a step, in lower case; kept, for searching is done at every key. */
  wordsOf(step) {
    let words = this.words.get(step.id);
    if (words === undefined) {
      words = [step.id, step.number, step.word, step.name, step.remarks, step.line, plain(this.said(step)), JSON.stringify(this.recorded.get(step.id), (key, value) => (ELSEWHERE.has(key) ? undefined : value))].join("\n").toLowerCase();
      this.words.set(step.id, words);
    }
    return words;
  }

  /** What tells whether a step looks the same as before: cheap enough to ask of every step at every update. */
  signature(step) {
    return `${JSON.stringify(step)}|${JSON.stringify(this.found.steps[step.id])}|${JSON.stringify(this.notesAt(step.id))}|${JSON.stringify(this.recorded.get(step.id)).length}`;
  }
}
