// The page: what the address names is what is shown. Keys go to whatever is on the page.

import { fill } from "./dom.js";
import { ListView } from "./list.js";
import { SessionView, TABS } from "./session.js";
import { mode, start } from "./source.js";
import { applyTheme } from "./theme.js";

const root = document.getElementById("app");
let view = null;
let filters = {};

function address() {
  const [, what, id, tab, stepId] = location.hash.split("/");
  if (what !== "s" || !id) return null;
  try {
    return { id: decodeURIComponent(id), tab: TABS.some(([name]) => name === tab) ? tab : "flow", stepId: stepId ? decodeURIComponent(stepId) : null };
  } catch {
    return null;
  }
}

function hashOf({ id, tab, stepId }) {
  return `#/s/${encodeURIComponent(id)}/${tab}${stepId ? `/${encodeURIComponent(stepId)}` : ""}`;
}

function navigate(place, push) {
  const hash = hashOf(place);
  if (hash === location.hash) return;
  if (push) history.pushState(null, "", hash);
  else history.replaceState(null, "", hash);
}

function open(id) {
  history.pushState(null, "", hashOf({ id, tab: "flow" }));
  show();
}

function list() {
  history.pushState(null, "", "#/");
  show();
}

function show() {
  let place = address();
  if (mode === "file" && place?.id !== start) place = { id: start, tab: "flow", stepId: null };
  if (place && view instanceof SessionView && view.id === place.id) {
    view.go(place);
    return;
  }
  view?.close();
  if (view instanceof ListView) filters = view.filters;
  fill(root);
  root.className = place ? "is-session" : "is-list";
  view = place ? new SessionView(root, { ...place, navigate, leave: list }) : new ListView(root, { open, filters });
}

addEventListener("popstate", show);
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  const typing = event.target.closest?.("input, textarea, select");
  if (event.key === "Escape" ? view?.escape() : !typing && view?.key(event)) event.preventDefault();
});

applyTheme();
if (mode === "served" && start && !location.hash) history.replaceState(null, "", hashOf({ id: start, tab: "flow" }));
show();
