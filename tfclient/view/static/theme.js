// Dark or light: as the system says, unless the person said otherwise here.

import { button, announce } from "./dom.js";

const KEY = "tfclient-theme";

function stored() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

export function applyTheme() {
  const chosen = stored();
  if (chosen === "dark" || chosen === "light") document.documentElement.dataset.theme = chosen;
}

export function themeButton() {
  return button("Theme", () => {
    const dark = document.documentElement.dataset.theme
      ? document.documentElement.dataset.theme === "dark"
      : matchMedia("(prefers-color-scheme: dark)").matches;
    const next = dark ? "light" : "dark";
    document.documentElement.dataset.theme = next;
    try {
      localStorage.setItem(KEY, next);
    } catch {
      // A file may be kept from storing anything: the choice then lasts as long as the page.
    }
    announce(`${next} theme`);
  }, { class: "plain", title: "Dark or light" });
}
