// Light or dark: as the system says, until somebody chooses. The choice is remembered; `early.js` applies it before the
// page is painted.

const KEY = "throttle.theme";
const ORDER = ["auto", "light", "dark"];

export function theme() {
  return document.documentElement.dataset.theme ?? "auto";
}

/** What is seen: `light` or `dark`. */
export function seen() {
  if (theme() !== "auto") return theme();
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

export function next() {
  const chosen = ORDER[(ORDER.indexOf(theme()) + 1) % ORDER.length];
  if (chosen === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = chosen;
  try {
    localStorage.setItem(KEY, chosen);
  } catch {
    // A browser that remembers nothing shows what was chosen until the page is closed.
  }
}

/** Calls when the system changes its mind. */
export function watch(changed) {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed);
}
