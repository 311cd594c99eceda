// What operators have done, in words: for events, and for what a reload has changed. Pure. `before` and `after` are what
// a semaphore was and is: `{ max, level, paused }` and more; absent when there was none.

import { count, many, refillRate, span } from "../text/format.js";

/** "max 10 → 4, level 0 → 1, paused". `max` is the word for it, where more is known than in the record. */
export function difference(before, after, max = "max") {
  if (!before && !after) return "";
  if (!before) return `max ${count(after.max)}, level ${after.level}${after.paused ? ", paused" : ""}`;
  if (!after) return `max was ${count(before.max)}, level ${before.level}${before.paused ? ", paused" : ""}`;
  const found = [];
  if (before.max !== after.max) found.push(`${max} ${count(before.max)} → ${count(after.max)}`);
  if (before.level !== after.level) found.push(`level ${before.level} → ${after.level}`);
  for (const [key, word, written] of TERMS) {
    if (before[key] !== after[key]) found.push(`${word} ${value(before[key], written)} → ${value(after[key], written)}`);
  }
  if (rate(before) !== rate(after)) found.push(`rate ${rate(before)} → ${rate(after)}`);
  if (before.paused !== after.paused) found.push(before.paused ? "paused → running" : "running → paused");
  return found.length === 0 ? "nothing is different" : found.join(", ");
}

/** What a semaphore or bucket may have besides, with its word in the configuration. What it has not is absent. */
const TERMS = [
  ["max_pending", "max_pending", count], ["max_hold_ms", "max_hold", span], ["lock_delay_ms", "lock_delay", span],
  ["slots", "slots", () => "on"], ["max_reserved", "max_reserved", count], ["slop_ms", "slop", span],
];

function value(given, written) {
  return given === undefined ? "none" : written(given);
}

function rate({ refill, every_ms: every }) {
  return refill === undefined ? "none" : refillRate({ refill, every_ms: every });
}

/** What an event says of an operator's deed, without who, whom and why. */
export function deedText({ kind, semaphore, before, after, locks }) {
  if (kind === "reload" && semaphore === undefined) return "nothing has changed";
  if (kind === "reload" && !before) return `new in the file: ${difference(before, after)}`;
  if (kind === "reload" && !after) return `no longer in the file: ${difference(before, after)}`;
  // That it is paused, the word for the event says.
  const changes = kind === "pause" || kind === "resume" ? "" : difference(before, after);
  const taken = locks === undefined ? "" : many(locks, "lock");
  return [changes, taken].filter(Boolean).join(", ");
}

/** How a semaphore is not what the file says; `null` when it is. `short` is for where there is little room. */
export function differing({ configured, max, level, bucket, ...manners }) {
  if (configured === undefined) return null;
  if (configured === null) return { short: "not in file", long: "not in the file" };
  const said = [];
  const is = { ...manners, ...bucket };
  if (configured.max !== max) said.push(`${bucket === undefined ? "max" : "capacity"} ${count(configured.max)}`);
  if (configured.level !== level) said.push(`level ${configured.level}`);
  if (configured.refill !== undefined && rate(configured) !== rate(is)) said.push(`rate ${rate(configured)}`);
  for (const [key, word, written] of TERMS) {
    if (configured[key] !== is[key]) said.push(`${word} ${value(configured[key], written)}`);
  }
  return said.length === 0 ? null : { short: `file: ${said[0]}`, long: `differs from the file: ${said.join(", ")}` };
}
