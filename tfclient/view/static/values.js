// Recorded values on the page: long texts folded, pictures and long outputs fetched when asked for, JSON as a tree.

import { button, el, fill, oneLine, visible } from "./dom.js";
import { counted, number } from "./format.js";
import { markdownView } from "./markdown.js";
import { blob } from "./source.js";

const FOLD = 1600;
const BLOCK = 16_000;
const AT_ONCE = 25;
const CHILDREN = 100;
const PICTURES = { "image/png": 1, "image/jpeg": 1, "image/gif": 1, "image/webp": 1 };

function isBlob(value) {
  return typeof value === "object" && value !== null && typeof value.blob === "string" && "media_type" in value;
}

/** Whether only the beginning of a value was kept: as text in its place, or in a blob. */
function isCut(value) {
  return typeof value?.truncated?.sha256 === "string" && "media_type" in value && (isBlob(value) || typeof value.text === "string");
}

/** A recorded value as text. */
export function plain(value) {
  if (typeof value === "string") return value;
  return isBlob(value) || isCut(value) ? String(value.text ?? value.preview ?? "") : (JSON.stringify(value) ?? "");
}

/** Any recorded value, as a person wants to read it; `asMarkdown` gives a text as Markdown, where it looks like that. */
export function valueView(value, { fold = FOLD, asMarkdown = null } = {}) {
  if (typeof value === "string") return textView(value, fold, asMarkdown);
  if (isBlob(value)) return blobView(value);
  if (isCut(value)) return cutView(value, fold);
  if (value === null || value === undefined || value === "") return el("p", { class: "quiet", text: "nothing" });
  return treeView(value, { depth: 2 });
}

/** Text that is shown as it was written; JSON and Markdown in it can be looked at as such. */
export function textView(text, fold = FOLD, asMarkdown = null) {
  const box = el("div", { class: "text-box" });
  if (text === "") return el("p", { class: "quiet", text: "empty text" });
  const parsed = structured(text);
  const asText = (told = "") => fill(box, parsed ? toggle("as JSON", () => asTree()) : asMarkdown ? toggle("as Markdown", marked) : null,
    told ? el("p", { class: "quiet", role: "status", text: told }) : null, folded(text, fold));
  const marked = async () => {
    try {
      const { nodes, told } = await asMarkdown();
      if (told) asText(told);
      else fill(box, toggle("as text", () => asText()), markdownView(nodes));
    } catch (error) {
      asText(error.message);
    }
    box.querySelector(".text-toggle")?.focus();
  };
  const asTree = () => fill(box, toggle("as text", () => asText()), treeView(parsed, { depth: 2 }));
  if (parsed) asTree();
  else asText();
  return box;
}

const toggle = (label, action) => button(label, action, { class: "mini text-toggle" });

function structured(text) {
  if (text.length > 400_000 || !/^\s*[[{]/.test(text)) return null;
  try {
    const value = JSON.parse(text);
    return typeof value === "object" ? value : null;
  } catch {
    return null;
  }
}

function folded(text, fold) {
  const box = el("div", { class: "text" });
  const short = foldAt(text, fold);
  const paragraph = (part) => el("div", { class: "text-block", dir: "auto", text: visible(part) });
  if (short === text.length) {
    box.append(paragraph(text));
    return box;
  }
  const more = button(`Show all ${number(text.length)} characters`, () => {
    fill(box);
    let at = 0;
    const next = button("", () => addBlocks(), { class: "mini" });
    const addBlocks = () => {
      next.remove();
      for (let n = 0; n < AT_ONCE && at < text.length; n += 1) {
        const end = blockEnd(text, at);
        box.append(paragraph(text.slice(at, end)));
        at = end;
      }
      if (at < text.length) {
        next.textContent = `Show more: ${counted(text.length - at, "character")} left`;
        box.append(next);
      }
    };
    addBlocks();
  }, { class: "mini" });
  box.append(paragraph(`${text.slice(0, short).trimEnd()}…`), more);
  return box;
}

/** Where a folded text ends: after so many characters, or a line for every sixty of them. */
function foldAt(text, fold) {
  let end = text.length <= fold * 1.25 ? text.length : safeEnd(text, fold);
  let line = -1;
  for (let n = 0; n < fold / 60; n += 1) {
    line = text.indexOf("\n", line + 1);
    if (line < 0 || line >= end) return end;
  }
  if (text.indexOf("\n", line + 1) >= 0) end = line;
  return end;
}

function safeEnd(text, end) {
  const code = text.charCodeAt(end - 1);
  return code >= 0xd800 && code < 0xdc00 ? end - 1 : end;
}

function blockEnd(text, at) {
  if (text.length - at <= BLOCK) return text.length;
  const line = text.lastIndexOf("\n", at + BLOCK);
  return line > at + BLOCK / 2 ? line + 1 : safeEnd(text, at + BLOCK);
}

/** A text of which only the beginning was kept. */
function cutView(value, fold = FOLD) {
  return el("div", {}, textView(value.text, fold), el("p", { class: "quiet", text: cutWords(value) }));
}

const bytes = (n) => counted(Number(n), "byte");
const cutWords = (value) => `cut: the first ${bytes(value.bytes)} of ${bytes(value.truncated.bytes)}`;

function blobView(reference) {
  const kind = String(reference.media_type ?? "data");
  const picture = Object.hasOwn(PICTURES, kind.split(";")[0]);
  const sound = kind.startsWith("audio/");
  const box = el("div", { class: "blob" });
  const about = el("p", { class: "blob-about" }, el("span", { class: "tag", text: kind }), ` ${isCut(reference) ? cutWords(reference) : bytes(reference.bytes)} `);
  const failed = (error) => fill(box, about, el("p", { class: "told", text: error.message }));
  const load = async () => {
    try {
      const data = await blob(reference.blob);
      if (picture) fill(box, about, await pictureOf(data, kind));
      else if (sound) fill(box, about, el("audio", { class: "sound", controls: true, autoplay: true, src: await asUrl(data, kind) }));
      else fill(box, about, textView(new TextDecoder().decode(data), 20_000));
    } catch (error) {
      failed(error);
    }
  };
  const label = picture ? "Show the picture" : sound ? "Play" : `Load all ${bytes(reference.bytes)}`;
  const preview = reference.preview ? el("div", { class: "text" }, el("div", { class: "text-block", dir: "auto", text: visible(`${reference.preview}…`) })) : null;
  fill(box, about, preview, button(label, load, { class: "mini" }), el("code", { class: "quiet wrap", text: reference.blob }));
  return box;
}

async function pictureOf(data, kind) {
  const src = await asUrl(data, kind);
  return new Promise((resolve, reject) => {
    const image = el("img", { class: "picture", alt: "Recorded picture", src });
    image.onerror = () => reject(new Error("This picture cannot be shown."));
    image.onload = () => resolve(image);
  });
}

function asUrl(data, kind) {
  return new Promise((resolve) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.readAsDataURL(new Blob([data], { type: kind.split(";")[0] }));
  });
}

/** JSON as a tree whose branches are made when they are opened. */
export function treeView(value, { depth = 1, name = null } = {}) {
  const tree = el("div", { class: "tree", role: "group", dir: "ltr" });
  const entries = depth > 0 && name === null && typeof value === "object" && value !== null && !isBlob(value) && !isCut(value) ? entriesOf(value) : [];
  // What is open from the beginning needs no line that opens it.
  if (entries.length) addChildren(tree, entries, 0, depth - 1);
  else tree.append(branch(name, value, depth));
  return tree;
}

function entriesOf(value) {
  return Array.isArray(value) ? value.map((each, n) => [n, each]) : Object.entries(value);
}

function branch(name, value, depth) {
  if (typeof value !== "object" || value === null) return el("div", { class: "leaf" }, label(name), scalar(value));
  if (isBlob(value)) return el("div", { class: "leaf" }, label(name), blobView(value));
  if (isCut(value)) return el("div", { class: "leaf" }, label(name), cutView(value));
  const entries = entriesOf(value);
  if (entries.length === 0) return el("div", { class: "leaf" }, label(name), el("span", { class: "quiet", text: Array.isArray(value) ? "[ ]" : "{ }" }));
  const body = el("div", { class: "branch" });
  const details = el("details", {}, el("summary", {}, label(name), el("span", { class: "hint", text: hint(value, entries) })), body);
  const open = () => {
    if (!body.childElementCount) addChildren(body, entries, 0, depth - 1);
  };
  details.addEventListener("toggle", () => details.open && open());
  if (depth > 0) {
    open();
    details.open = true;
  }
  return details;
}

function addChildren(body, entries, from, depth) {
  for (const [key, value] of entries.slice(from, from + CHILDREN)) body.append(branch(key, value, depth));
  const left = entries.length - from - CHILDREN;
  if (left > 0) {
    const more = button(`${number(left)} more`, () => {
      more.remove();
      addChildren(body, entries, from + CHILDREN, depth);
    }, { class: "mini" });
    body.append(more);
  }
}

function hint(value, entries) {
  if (Array.isArray(value)) return counted(entries.length, "item");
  const telling = ["step_id", "run_id", "type", "name", "label", "role"].filter((key) => typeof value[key] === "string");
  return telling.length ? telling.slice(0, 3).map((key) => oneLine(visible(value[key]), 40)).join(" · ") : `${counted(entries.length, "field")}`;
}

function label(name) {
  return name === null ? null : el("span", { class: typeof name === "number" ? "index" : "key", text: `${visible(String(name))}: ` });
}

function scalar(value) {
  if (typeof value !== "string") return el("span", { class: `scalar is-${value === null ? "null" : typeof value}`, text: String(value) });
  if (value.length > 400 || value.includes("\n")) return el("div", { class: "scalar is-string long" }, folded(value, 800));
  return el("span", { class: "scalar is-string", dir: "auto", text: value === "" ? '""' : visible(value) });
}
