// What people noted on a session: a list, a form that adds a note, and a button that takes one back.

import { announce, button, el, fill, visible } from "./dom.js";
import { addNote, takeBack } from "./source.js";

export const NOTHING = { notes: [], marks: {}, words: "", pinned: [], writes: false, trouble: [] };

/** The sign of a step or a run that something was noted on. */
export function noteSign(words) {
  return words ? el("span", { class: "noted", title: visible(words), "aria-label": visible(words), role: "img", text: "\u270e" }) : null;
}

export class Notes {
  /** `changed` is given what is noted, once something was added or taken back. */
  constructor({ id, select, changed }) {
    this.id = id;
    this.select = select;
    this.changed = changed;
    this.forms = new Map();
  }

  on(model, stepId) {
    return stepId === null ? model.noted.notes : model.notesAt(stepId);
  }

  /** Go to the form of a step. */
  write(stepId) {
    const field = this.form(stepId).querySelector("textarea");
    field.scrollIntoView({ block: "center" });
    field.focus();
  }

  /** Notes on a step, or all of a session; with the form, where notes may be written. */
  part(model, stepId) {
    const { writes, trouble } = model.noted;
    const pinned = stepId === null ? model.noted.pinned : [];
    const shown = this.on(model, stepId);
    if (!shown.length && !writes && !trouble.length && !pinned.length) return null;
    return el("section", { class: "part notes", role: "group", "aria-label": "Notes" }, el("h3", { text: "Notes" }),
      ...(stepId === null ? trouble.map((words) => el("p", { class: "told", text: visible(words) })) : []),
      ...pinned.map((words) => el("p", { class: "pinned wrap", dir: "auto", text: visible(words) })),
      shown.length ? el("ul", {}, ...shown.map((note) => this.note(model, note, stepId === null))) : null,
      writes ? this.form(stepId) : null);
  }

  note(model, note, placed) {
    const place = visible(note.place);
    const link = placed && place ? (model.byId.has(note.step_id) ? button(place, () => this.select(note.step_id, { push: true }), { class: "mini mono", "data-step": note.step_id }) : el("span", { class: "mono quiet", text: place })) : null;
    return el("li", { class: "note", "data-note": note.note_id },
      note.text ? el("p", { class: "note-text", dir: "auto", text: visible(note.text) }) : null,
      el("p", { class: "note-about" }, link, el("span", { class: "quiet note-words", text: visible(note.about) }), model.noted.writes ? this.remover(note) : null));
  }

  /** It asks once more before it takes a note back. */
  remover(note) {
    const ask = button("Remove", async () => {
      if (!ask.classList.contains("is-sure")) {
        ask.classList.add("is-sure");
        ask.textContent = "Really remove?";
        return;
      }
      try {
        this.changed(await takeBack(this.id, note.note_id));
        announce("Note removed");
      } catch (error) {
        announce(error.message);
      }
    }, { class: "mini" });
    return ask;
  }

  /** The form of a step, or of the session; kept, so that what is typed outlasts what is drawn around it. */
  form(stepId) {
    if (!this.forms.has(stepId)) this.forms.set(stepId, this.made(stepId));
    return this.forms.get(stepId);
  }

  made(stepId) {
    const text = el("textarea", { class: "field", rows: "2", placeholder: "What is to be said of it", "aria-label": "Note" });
    const score = el("input", { class: "field", type: "text", inputmode: "decimal", placeholder: "score", "aria-label": "Score", autocomplete: "off" });
    const tags = el("input", { class: "field", type: "text", placeholder: "tags, with commas", "aria-label": "Tags, with commas", autocomplete: "off" });
    const save = el("button", { type: "submit" }, "Note it");
    const told = el("div", { role: "alert" });
    const form = el("form", { class: "note-form" }, text, el("div", { class: "note-more" }, score, tags, save), told);
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (save.disabled) return;
      save.disabled = true;
      try {
        const answer = await addNote(this.id, { text: text.value, score: score.value, tags: tags.value, step: stepId ?? "" });
        fill(told, answer.said ? el("p", { class: "told", text: visible(answer.said) }) : null);
        form.reset();
        this.changed(answer);
        announce("Noted");
      } catch (error) {
        fill(told, el("p", { class: "told", text: visible(error.message) }));
      } finally {
        save.disabled = false;
      }
    });
    return form;
  }
}
