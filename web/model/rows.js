// Which semaphores the table shows, and in which order. Pure.

/** What can be asked for, with the words on its button. Several mean: any of them. */
export const FILTERS = [
  { key: "full", word: "Full", holds: (it) => isFull(it) },
  { key: "waiting", word: "Has waiters", holds: (it) => it.waiters > 0 },
  { key: "over", word: "Over-committed", holds: (it) => over(it) > 0 },
  { key: "paused", word: "Paused", holds: (it) => it.paused === true },
];

const COLLATOR = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

// Larger first; those of the same size by name.
const ORDERS = {
  use: (a, b) => b.held / b.max - a.held / a.max,
  held: (a, b) => b.held - a.held,
  waiting: (a, b) => b.waiters - a.waiters || b.pending - a.pending,
  wait: (a, b) => (a.waiting_since_ms ?? Infinity) - (b.waiting_since_ms ?? Infinity) || 0,
  level: (a, b) => b.level - a.level,
};

/** By what the table can be sorted. */
export const SORTS = ["name", ...Object.keys(ORDERS)];

export function isFull(semaphore) {
  return semaphore.held >= semaphore.max;
}

/** How much more is held than there is. */
export function over(semaphore) {
  return Math.max(0, semaphore.held - semaphore.max);
}

/** How many semaphores each filter would show. */
export function tally(semaphores) {
  const counts = Object.fromEntries(FILTERS.map(({ key }) => [key, 0]));
  for (const semaphore of semaphores.values()) {
    for (const { key, holds } of FILTERS) {
      if (holds(semaphore)) counts[key] += 1;
    }
  }
  return counts;
}

/** Names in the order in which people read them: 2 before 10. Costly, so it is done when names change only. */
export function sortedNames(semaphores) {
  return [...semaphores.keys()].sort((a, b) => COLLATOR.compare(a, b) || (a < b ? -1 : 1));
}

/** The rows to show: `[name, semaphore]`, of `names`, which are sorted. */
export function rows(semaphores, names, { text = "", only = [], sort = "name", reverse = false }) {
  const needle = text.trim().toLowerCase();
  const filters = FILTERS.filter(({ key }) => only.includes(key));
  const found = [];
  for (const name of names) {
    const semaphore = semaphores.get(name);
    if (needle !== "" && !name.toLowerCase().includes(needle)) continue;
    if (filters.length > 0 && !filters.some(({ holds }) => holds(semaphore))) continue;
    found.push([name, semaphore]);
  }
  const order = ORDERS[sort];
  // Sorting is stable, so names stay in order among equals.
  if (order !== undefined) found.sort(reverse ? (a, b) => order(b[1], a[1]) : (a, b) => order(a[1], b[1]));
  else if (reverse) found.reverse();
  return found;
}

/** Of all of them: who waits longest, and since when. */
export function longestWait(semaphores) {
  let longest = null;
  for (const [name, { waiting_since_ms: since }] of semaphores) {
    if (since !== undefined && (longest === null || since < longest.since)) longest = { name, since };
  }
  return longest;
}
