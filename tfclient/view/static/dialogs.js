// The two small windows: which keys there are, and where to go.

import { button, el, fill } from "./dom.js";

const KEYS = [
  ["j  k", "next and previous"],
  ["enter", "open; in a session: read the step"],
  ["→  ←", "open and close what is told as one, as a loop"],
  ["/", "search"],
  ["e  E", "next and previous error"],
  ["g", "go to a view, a run or a step"],
  ["esc", "back out"],
  ["+  −  0", "in the flow: zoom, and fit"],
  ["?", "these keys"],
];

function dialog(label, ...children) {
  const before = document.activeElement;
  const window = el("dialog", { class: "dialog", "aria-label": label }, ...children);
  window.addEventListener("close", () => {
    window.remove();
    before?.focus?.();
  });
  window.addEventListener("click", (event) => event.target === window && window.close());
  document.body.append(window);
  window.showModal();
  return window;
}

export function showKeys() {
  const rows = KEYS.flatMap(([key, does]) => [el("dt", {}, ...key.split("  ").map((each) => el("kbd", { text: each }))), el("dd", { text: does })]);
  const window = dialog("Keys", el("h2", { text: "Keys" }), el("dl", { class: "keys" }, ...rows), button("Close", () => window.close()));
}

/**
 * Ask where to go. `places` are [letter, name, action]; anything typed that is no such letter goes to `find`,
 * which returns what it found as [words, action], or null.
 */
export function goTo(places, find) {
  const input = el("input", { type: "text", class: "field", "aria-label": "Go to", placeholder: "run 4 · 4.2 · step_4_2", autocomplete: "off", spellcheck: "false" });
  const list = el("ul", { class: "places" });
  const offer = () => {
    const typed = input.value.trim();
    if (typed && find) {
      const found = find(typed);
      fill(list, el("li", {}, found ? button(found[0], () => leave(found[1]), { class: "place" }) : el("span", { class: "quiet", text: "No such run or step." })));
      return;
    }
    fill(list, ...places.map(([letter, name, action]) => el("li", {}, button([el("kbd", { text: letter }), ` ${name}`], () => leave(action), { class: "place" }))));
  };
  const leave = (action) => {
    window.close();
    action();
  };
  input.addEventListener("keydown", (event) => {
    const place = input.value === "" && !event.ctrlKey && !event.metaKey && places.find(([letter]) => letter === event.key);
    if (place) {
      event.preventDefault();
      leave(place[2]);
    } else if (event.key === "Enter") {
      event.preventDefault();
      const found = find?.(input.value.trim());
      if (found) leave(found[1]);
    }
  });
  input.addEventListener("input", offer);
  const window = dialog("Go to", el("h2", { text: "Go to" }), find ? input : null, list);
  offer();
  if (find) input.focus();
  else {
    window.addEventListener("keydown", (event) => {
      const place = places.find(([letter]) => letter === event.key);
      if (place) leave(place[2]);
    });
  }
}
