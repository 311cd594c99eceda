// The keyboard: "/" searches, arrows go through the rows, Esc goes back, "?" helps. Enter is the browser's own: rows are
// links. Keys with modifiers are left alone.

/** `rows` gives the names of the table's rows, `reveal` brings one onto the screen, `back` leaves a view. */
export function listen({ rows, reveal, back, clear, help }) {
  // The row that was last gone to: its element may have left the screen since.
  let selected = null;

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]") !== null) return;
    const typing = event.target.matches("input, select, textarea");
    const done = typing ? whileTyping(event) : outside(event);
    if (done) event.preventDefault();
  });

  function outside({ key, target }) {
    switch (key) {
      case "/": {
        const search = document.getElementById("search");
        search?.focus();
        search?.select();
        return search !== null;
      }
      case "ArrowDown":
        return go(+1, target);
      case "ArrowUp":
        return go(-1, target);
      case "Escape":
        return back();
      case "?":
        help();
        return true;
      default:
        return false;
    }
  }

  function whileTyping({ key, target }) {
    if (key === "ArrowDown") {
      selected = null;
      return go(+1, target);
    }
    if (key !== "Escape") return false;
    if (target.value === "") target.blur();
    else clear();
    return true;
  }

  function go(step, target) {
    const names = rows();
    if (names.length === 0) return false;
    const focused = target.closest("tr.row");
    if (focused === null && target !== document.body && !target.matches("#search, main")) selected = null;
    const at = selected === null ? -1 : names.indexOf(selected);
    const next = Math.min(names.length - 1, Math.max(0, at + step));
    if (at === 0 && step < 0) {
      selected = null;
      document.getElementById("search")?.focus();
      return true;
    }
    selected = names[next];
    reveal(next);
    return true;
  }
}
