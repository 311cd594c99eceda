// The address after the "#": which view, of what, and how it is searched, filtered and sorted. A copied address shows
// the same again. Pure; what it does not understand it leaves out.

import { KINDS } from "./events.js";
import { FILTERS, SORTS } from "./rows.js";

const DEFAULTS = { text: "", only: [], kinds: [], sort: "name", reverse: false };

/** "#/semaphore/A", "#/?q=db&only=full" → what to show. */
export function parse(hash) {
  const [path, query = ""] = hash.replace(/^#?\/?/, "").split(/\?(.*)/s);
  const [view, ...rest] = path.split("/");
  const key = decoded(rest.join("/"));
  const asked = { ...DEFAULTS, ...parameters(new URLSearchParams(query)) };
  if ((view === "semaphore" || view === "peer") && key) return { ...asked, view, key };
  return { ...asked, view: view === "events" ? "events" : "semaphores", key: null };
}

/** The other way round. What is as it always is, is left out. */
export function format({ view, key = null, text, only, kinds, sort, reverse }) {
  const query = new URLSearchParams();
  if (text) query.set("q", text);
  if (view === "semaphores") {
    if (only?.length > 0) query.set("only", only.join(" "));
    if (sort && sort !== DEFAULTS.sort) query.set("sort", sort);
    if (reverse) query.set("reverse", "");
  }
  if (view === "events" && kinds?.length > 0) query.set("kinds", kinds.join(" "));
  const path = key === null ? (view === "semaphores" ? "" : view) : `${view}/${encodeURIComponent(key)}`;
  const written = query.toString().replace(/=(&|$)/g, "$1");
  return `#/${path}${written === "" ? "" : `?${written}`}`;
}

/** The same address, with one word more, or less, in a list of it. */
export function toggled(address, list, word) {
  const words = address[list];
  return { ...address, [list]: words.includes(word) ? words.filter((it) => it !== word) : [...words, word] };
}

function parameters(query) {
  const words = (name, known) => (query.get(name) ?? "").split(" ").filter((word) => known.includes(word));
  const sort = query.get("sort");
  return {
    text: query.get("q") ?? "",
    only: words("only", FILTERS.map(({ key }) => key)),
    kinds: words("kinds", [...KINDS.keys()]),
    sort: SORTS.includes(sort) ? sort : DEFAULTS.sort,
    reverse: query.has("reverse"),
  };
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}
