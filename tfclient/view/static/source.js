// Where the page's data comes from: its server, or the file that it is.

const boot = JSON.parse(document.getElementById("boot").textContent);

export const mode = boot.mode;
export const start = boot.start;

/** Whether prices are known. */
export const priced = Boolean(boot.priced);

/** Something that a person should read instead of what was asked for. */
export class Told extends Error {
  constructor(message, kind) {
    super(message);
    this.kind = kind;
  }
}

async function ask(path, headers = {}, more = {}) {
  let answer;
  try {
    answer = await fetch(path, { headers, ...more });
  } catch {
    throw new Told("The page's server does not answer any more. Start it again with `tfclient view`.", "gone");
  }
  if (answer.ok || answer.status === 304) return answer;
  const text = await answer.text();
  let told = { error: text, kind: "error" };
  try {
    told = JSON.parse(text);
  } catch {
    // A refusal comes as a plain sentence.
  }
  throw new Told(told.error, told.kind);
}

const at = (id, rest = "") => `api/sessions/${encodeURIComponent(id)}${rest}`;

function asking(filters, offset, limit) {
  const asked = new URLSearchParams({ offset, limit });
  for (const [name, value] of Object.entries(filters)) if (value) asked.set(name, value);
  return asked;
}

/** A page of the session list. */
export async function sessions(filters, offset, limit) {
  return (await ask(`api/sessions?${asking(filters, offset, limit)}`)).json();
}

/** What the sessions of such a page cost, by their ids. */
export async function costs(filters, offset, limit) {
  return (await ask(`api/costs?${asking(filters, offset, limit)}`)).json();
}

export async function names() {
  return (await ask("api/names")).json();
}

/** A session's document, what is to be shown of it, and its version; null if it is still the version that is known. */
export async function session(id, known = "") {
  if (mode === "file") return known ? null : { document: boot.document, reading: boot.reading, version: "file" };
  const answer = await ask(at(id), known ? { "if-none-match": known } : {});
  if (answer.status === 304) return null;
  return { ...(await answer.json()), version: answer.headers.get("etag") };
}

/** What people noted on a session, and its version; null if it is still the version that is known. */
export async function notes(id, known = "") {
  if (mode === "file") return known ? null : boot.notes;
  const answer = await ask(at(id, "/notes"), known ? { "if-none-match": `"${known}"` } : {});
  return answer.status === 304 ? null : answer.json();
}

export async function addNote(id, note) {
  return (await ask(at(id, "/notes"), { "content-type": "application/json" }, { method: "POST", body: JSON.stringify(note) })).json();
}

export async function takeBack(id, noteId) {
  return (await ask(at(id, `/notes/${encodeURIComponent(noteId)}`), {}, { method: "DELETE" })).json();
}

export async function d2(id) {
  return mode === "file" ? boot.d2 : (await ask(at(id, "/d2"))).text();
}

export async function boards(id) {
  return mode === "file" ? boot.boards : (await ask(at(id, "/boards"))).json();
}

/** One board as SVG text. */
export async function picture(id, board) {
  if (mode !== "file") return (await (await ask(at(id, `/boards/${encodeURIComponent(board)}`))).json()).svg;
  if (boot.no_pictures) throw new Told(boot.no_pictures, "no_compiler");
  if (!Object.hasOwn(boot.pictures, board)) throw new Told(`The diagram has no board ${board}.`, "error");
  return boot.pictures[board];
}

/** One step in full. */
export async function details(id, stepId) {
  if (mode !== "file") return (await ask(at(id, `/steps/${encodeURIComponent(stepId)}`))).json();
  const { values, steps } = boot.details;
  const told = steps[stepId];
  if (!told?.prompt) return told;
  const lists = Object.entries(told.prompt).map(([name, list]) => [name, Array.isArray(list) && name !== "unknown" ? list.map((n) => values[n]) : list]);
  return { ...told, prompt: Object.fromEntries(lists) };
}

/** Why a step is what it is. */
export async function explanation(id, stepId) {
  return (await ask(at(id, `/why/${encodeURIComponent(stepId)}`))).json();
}

/** What a step says, as Markdown: `nodes`, or why it is `told`. */
export async function markdown(id, stepId) {
  if (mode !== "file") return (await ask(at(id, `/markdown/${encodeURIComponent(stepId)}`))).json();
  return Object.hasOwn(boot.markdown, stepId) ? boot.markdown[stepId] : { told: "As Markdown it is not in this file; `tfclient view` has it." };
}

/** A request as it was sent. */
export async function request(id, stepId) {
  if (mode !== "file") return (await ask(at(id, `/requests/${encodeURIComponent(stepId)}`))).json();
  const { steps, values } = boot.requests;
  if (!Object.hasOwn(steps, stepId)) throw new Told("This request is not in the file; `tfclient view` has it.", "error");
  const { body, ...rest } = steps[stepId];
  const isPlain = typeof body !== "object" || body === null || Array.isArray(body);
  return { ...rest, body: isPlain ? body : Object.fromEntries(Object.entries(body).map(([name, place]) => [name, Array.isArray(place) ? place.map((n) => values[n]) : values[place]])) };
}

/** The bytes behind a blob reference. */
export async function blob(name) {
  if (mode !== "file") return (await ask(`api/blobs/${encodeURIComponent(name)}`)).arrayBuffer();
  if (!Object.hasOwn(boot.blobs, name)) {
    throw new Told(`This is too long for the file. It lies in the store as ${name}.`, "error");
  }
  return Uint8Array.from(atob(boot.blobs[name].base64), (c) => c.charCodeAt(0)).buffer;
}
