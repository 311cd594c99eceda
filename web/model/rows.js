// Which semaphores and buckets the table shows, and in which order. Pure; `now` is the server's clock.

import { available, closedFor, hasTokens, used } from "./bucket.js";

/** What can be asked for, with the words on its button. Several mean: any of them. Some are for `buckets` only. */
export const FILTERS = [
  { key: "full", word: "Full", holds: (it, now) => isFull(it, now) },
  { key: "waiting", word: "Has waiters", holds: (it) => it.waiters > 0 },
  { key: "over", word: "Over-committed", holds: (it) => over(it) > 0 },
  { key: "paused", word: "Paused", holds: (it) => it.paused === true },
  { key: "closed", word: "Closed", holds: (it, now) => closedFor(it, now) > 0, buckets: true },
];

const COLLATOR = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

// Larger first; those of the same size by name.
const ORDERS = {
  use: (a, b, now) => share(b, now) - share(a, now),
  held: (a, b, now) => used(b, now) - used(a, now),
  waiting: (a, b) => b.waiters - a.waiters || b.pending - a.pending,
  wait: (a, b) => (a.waiting_since_ms ?? Infinity) - (b.waiting_since_ms ?? Infinity) || 0,
  level: (a, b) => b.level - a.level,
};

/** By what the table can be sorted. */
export const SORTS = ["name", ...Object.keys(ORDERS)];

/** Nothing is left of it. A pattern is never full: each of its keys may be. */
export function isFull(semaphore, now) {
  if (semaphore.keys !== undefined) return false;
  return hasTokens(semaphore) ? available(semaphore, now) <= 0 : free(semaphore) <= 0;
}

/** How much of a semaphore can be granted: neither held, nor blocked after an expiry. Negative when more is held. */
export function free({ held, delayed = 0, max }) {
  return max - held - delayed;
}

/** How much more is held than there is. Permits of a bucket may be any number, and so may locks on all keys. */
export function over({ held, max, bucket, keys }) {
  return bucket === undefined && keys === undefined ? Math.max(0, held - max) : 0;
}

/** How many each filter would show, and how many `buckets` there are. */
export function tally(semaphores, now) {
  const counts = Object.fromEntries(FILTERS.map(({ key }) => [key, 0]));
  counts.buckets = 0;
  for (const semaphore of semaphores.values()) {
    if (semaphore.bucket !== undefined) counts.buckets += 1;
    for (const { key, holds } of FILTERS) {
      if (holds(semaphore, now)) counts[key] += 1;
    }
  }
  return counts;
}

/** Names in the order in which people read them: 2 before 10. Costly, so it is done when names change only. */
export function sortedNames(semaphores) {
  return [...semaphores.keys()].sort((a, b) => COLLATOR.compare(a, b) || (a < b ? -1 : 1));
}

/** The rows to show: `[name, semaphore]`, of `names`, which are sorted. */
export function rows(semaphores, names, { text = "", only = [], sort = "name", reverse = false }, now) {
  const needle = text.trim().toLowerCase();
  const filters = FILTERS.filter(({ key }) => only.includes(key));
  const found = [];
  for (const name of names) {
    const semaphore = semaphores.get(name);
    if (needle !== "" && !name.toLowerCase().includes(needle)) continue;
    if (filters.length > 0 && !filters.some(({ holds }) => holds(semaphore, now))) continue;
    found.push([name, semaphore]);
  }
  const order = ORDERS[sort];
  // Sorting is stable, so names stay in order among equals.
  if (order !== undefined) found.sort(reverse ? (a, b) => order(b[1], a[1], now) : (a, b) => order(a[1], b[1], now));
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

/** The part that is used. What is held of all keys is no part of the max of each, so patterns come last. */
function share(semaphore, now) {
  return semaphore.keys === undefined ? used(semaphore, now) / semaphore.max : -1;
}
