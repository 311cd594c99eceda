// What is shown of what is known: rows, addresses, windows, paths.

import assert from "node:assert/strict";
import { test } from "node:test";
import { format, parse, toggled } from "../../../web/model/address.js";
import { free, longestWait, rows, sortedNames, tally } from "../../../web/model/rows.js";
import { area, strip } from "../../../web/view/outline.js";
import { visible } from "../../../web/view/window.js";

const SEMAPHORES = new Map([
  ["pool-10", { max: 4, level: 0, held: 1, pending: 0, waiters: 0 }],
  ["pool-2", { max: 1, level: 2, held: 1, pending: 3, waiters: 2, waiting_since_ms: 50 }],
  ["Alpha", { max: 2, level: 1, held: 3, pending: 1, waiters: 1, waiting_since_ms: 40 }],
  ["alpha", { max: 2, level: 0, held: 0, pending: 0, waiters: 0, paused: true }],
]);
const NAMES = sortedNames(SEMAPHORES);

function found(asked) {
  return rows(SEMAPHORES, NAMES, asked).map(([name]) => name);
}

test("what is blocked after an expiry is not to be had", () => {
  const blocked = new Map([
    ["all", { max: 2, level: 0, held: 0, delayed: 2, pending: 0, waiters: 0 }],
    ["some", { max: 3, level: 0, held: 1, delayed: 1, pending: 0, waiters: 0 }],
  ]);
  assert.equal(tally(blocked, 0).full, 1);
  assert.equal(tally(blocked, 0).over, 0);
  assert.deepEqual([...blocked.values()].map(free), [0, 1]);
  assert.equal(free({ max: 4, held: 1 }), 3);
});

test("names are in the order in which people read them", () => {
  assert.deepEqual(NAMES, ["Alpha", "alpha", "pool-2", "pool-10"]);
  assert.deepEqual(found({ reverse: true }), ["pool-10", "pool-2", "alpha", "Alpha"]);
});

test("rows are searched, filtered and sorted", () => {
  assert.deepEqual(found({ text: " ALP" }), ["Alpha", "alpha"]);
  assert.deepEqual(found({ only: ["full"] }), ["Alpha", "pool-2"]);
  assert.deepEqual(found({ only: ["over", "paused"] }), ["Alpha", "alpha"]);
  assert.deepEqual(found({ only: ["waiting"], text: "pool" }), ["pool-2"]);
  assert.deepEqual(found({ sort: "use" }), ["Alpha", "pool-2", "pool-10", "alpha"]);
  assert.deepEqual(found({ sort: "waiting" }), ["pool-2", "Alpha", "alpha", "pool-10"]);
  assert.deepEqual(found({ sort: "wait" }), ["Alpha", "pool-2", "alpha", "pool-10"]);
  assert.deepEqual(found({ sort: "level", reverse: true }), ["alpha", "pool-10", "Alpha", "pool-2"]);
  assert.deepEqual(tally(SEMAPHORES, 0), { full: 2, waiting: 2, over: 1, paused: 1, closed: 0, buckets: 0 });
  assert.deepEqual(longestWait(SEMAPHORES), { name: "Alpha", since: 40 });
  assert.equal(longestWait(new Map()), null);
});

/** Ten a second, three of which are back at 1 000; and what else there may be. */
const MIXED = new Map([
  ["api", { max: 10, level: 0, held: 9, pending: 0, waiters: 0, bucket: { refill: 10, every_ms: 1_000, full_at_ms: 1_300, reserved: 0 } }],
  ["crawl", { max: 1, level: 0, held: 4, pending: 2, waiters: 2, bucket: { refill: 1, every_ms: 2_000, full_at_ms: 5_000, reserved: 2, closed_until_ms: 1_500 } }],
  ["gpu", { max: 4, level: 0, held: 2, pending: 0, waiters: 0 }],
  ["tenant/*", { max: 1, level: 0, held: 7, pending: 0, waiters: 0, keys: 7 }],
  ["[dynamic]", { max: 0, level: 0, held: 3, pending: 0, waiters: 0, keys: 2 }],
]);

test("buckets are full without tokens, and sorted by what is spent; patterns are neither full nor over", () => {
  const of = (asked, now) => rows(MIXED, [...MIXED.keys()], asked, now).map(([name]) => name);
  assert.deepEqual(of({ only: ["full"] }, 1_000), ["crawl"]);
  assert.deepEqual(of({ only: ["full"] }, 5_000), [], "tokens come back with time");
  assert.deepEqual(of({ only: ["full"] }, 300), ["api", "crawl"]);
  assert.deepEqual(of({ only: ["over"] }, 1_000), []);
  assert.deepEqual(of({ only: ["closed"] }, 1_499), ["crawl"]);
  assert.deepEqual(of({ only: ["closed"] }, 1_500), []);
  assert.deepEqual(of({ sort: "use" }, 1_000), ["crawl", "gpu", "api", "tenant/*", "[dynamic]"]);
  assert.deepEqual(of({ sort: "held" }, 1_000), ["tenant/*", "api", "[dynamic]", "crawl", "gpu"]);
  assert.deepEqual(tally(MIXED, 1_000), { full: 1, waiting: 1, over: 0, paused: 0, closed: 1, buckets: 2 });
});

test("an address says what is shown, and nothing that is always so", () => {
  const shown = { view: "semaphores", key: null, text: "a b&c", only: ["full", "waiting"], kinds: [], sort: "wait", reverse: true };
  const written = "#/?q=a+b%26c&only=full+waiting&sort=wait&reverse";
  assert.equal(format(shown), written);
  assert.deepEqual(parse(written), shown);
  assert.equal(format({ view: "semaphores", text: "", only: [], kinds: [], sort: "name", reverse: false }), "#/");
  assert.equal(format({ view: "events", text: "", kinds: ["expired"] }), "#/events?kinds=expired");
  assert.deepEqual(parse("#/events?kinds=expired+nonsense").kinds, ["expired"]);
});

test("a word is added to a list of an address, and taken out again", () => {
  const address = parse("#/?only=full&sort=wait");
  const more = toggled(address, "only", "paused");
  assert.equal(format(more), "#/?only=full+paused&sort=wait");
  assert.equal(format(toggled(more, "only", "full")), "#/?only=paused&sort=wait");
  assert.equal(format(address), "#/?only=full&sort=wait");
});

test("any name survives its way through an address", () => {
  for (const key of ["A", "a/b?c#d%41", "two\nlines", "<img src=x>", "שלום", "..", "a&b=c", "100%"]) {
    assert.equal(parse(format({ view: "semaphore", key })).key, key);
    assert.equal(parse(format({ view: "peer", key })).view, "peer");
  }
});

test("an address that nobody wrote shows the overview", () => {
  for (const hash of ["", "#", "#/nothing", "#/semaphore", "#/semaphore/", "#/semaphore/%FF", "#/?sort=nonsense&only=x"]) {
    const { view, sort, only } = parse(hash);
    assert.deepEqual([view, sort, only], ["semaphores", "name", []], hash);
  }
});

test("only rows on the screen are rendered, and the gaps are what is missing", () => {
  const all = { rows: 1000, rowHeight: 30, height: 600 };
  assert.deepEqual(visible({ ...all, above: -100 }), { from: 0, to: 29, before: 0, after: 29_130 });
  const middle = visible({ ...all, above: 15_000 });
  assert.deepEqual([middle.from, middle.to], [488, 532]);
  assert.equal(middle.before + (middle.to - middle.from) * 30 + middle.after, 30_000);
  assert.deepEqual(visible({ ...all, above: 999_999 }), { from: 1000, to: 1000, before: 30_000, after: 0 });
  assert.deepEqual(visible({ ...all, rows: 3, above: 0 }), { from: 0, to: 3, before: 0, after: 0 });
});

test("sparklines end with the present, at the right", () => {
  assert.equal(area([0, 2, 2, 1], 2), "M176 16V16H177V0H179V8H180V16Z");
  assert.equal(area([], 1), "");
  assert.equal(strip([0, 1, 4, 0, 2]), "M176 18H178M179 18H180");
  assert.equal(strip([0, 0]), "");
});
