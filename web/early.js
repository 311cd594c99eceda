// Runs before anything is painted, so it is no module: applies the theme that somebody chose (see theme.js).
try {
  const theme = localStorage.getItem("throttle.theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // Without a memory, the system's theme it is.
}
