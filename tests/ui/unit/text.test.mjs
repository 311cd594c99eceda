// Numbers, times and names as people read them.

import assert from "node:assert/strict";
import { test } from "node:test";
import { compact, count, duration, elapsed, left, many, rate, refillRate, slots, span } from "../../../web/text/format.js";
import { parts, plain } from "../../../web/text/visible.js";

test("counts are grouped", () => {
  assert.deepEqual([0, 999, 1000, 2147483648].map(count), ["0", "999", "1\u202f000", "2\u202f147\u202f483\u202f648"]);
  assert.deepEqual([99_999, 100_000, 1_960_000, 2147483648].map(compact), ["99\u202f999", "100\u202fk", "1.9\u202fM", "2.1\u202fG"]);
  assert.deepEqual([many(1, "peer"), many(2, "peer")], ["1 peer", "2 peers"]);
});

test("numbers in a row are told by their ends", () => {
  assert.deepEqual([[], [4], [0, 1], [0, 1, 2, 7, 9, 10]].map(slots), ["", "4", "0–1", "0–2, 7, 9–10"]);
});

test("durations have their two largest units and no decimals that flicker", () => {
  const of = { 0: "0 s", 999: "0 s", 59_999: "59 s", 60_000: "1 min 00 s", 185_000: "3 min 05 s", 7_440_000: "2 h 04 min", 1_047_600_000: "12 d 03 h" };
  for (const [ms, text] of Object.entries(of)) assert.equal(duration(Number(ms)), text);
  assert.equal(duration(-5), "0 s");
});

test("what is over has small units", () => {
  assert.deepEqual([0, 7.4, 999, 1_250, 61_000].map(elapsed), ["0 ms", "7 ms", "999 ms", "1.2 s", "1 min 01 s"]);
});

test("lengths that somebody chose are written as shortly", () => {
  const of = { 250: "250 ms", 1_000: "1 s", 1_500: "1.5 s", 10_000: "10 s", 60_000: "1 min", 65_000: "1 min 5 s", 90_000: "1 min 30 s", 600_000: "10 min", 3_600_000: "1 h", 5_400_000: "1 h 30 min", 86_400_000: "1 d" };
  for (const [ms, text] of Object.entries(of)) assert.equal(span(Number(ms)), text);
  assert.equal(span(1000 / 3), "333 ms");
  assert.equal(refillRate({ refill: 1200, every_ms: 60_000 }), "1\u202f200 in 1 min");
});

test("what is left is not over before it is", () => {
  assert.deepEqual([28_000, 27_001, 1, 0].map(left), ["28 s", "28 s", "1 s", "0 s"]);
});

test("rates are calm", () => {
  assert.deepEqual([null, 0, 0.01, 0.44, 9.94, 9.96, 1250.4].map(rate), ["–", "0", "< 0.1", "0.4", "9.9", "10", "1\u202f250"]);
});

test("what cannot be seen is shown as its code point", () => {
  assert.deepEqual(parts("plain"), [{ text: "plain" }]);
  assert.deepEqual(parts("a\u202eb\n"), [{ text: "a" }, { code: "U+202E" }, { text: "b" }, { code: "U+000A" }]);
  assert.deepEqual(parts("שלום"), [{ text: "שלום" }]);
  assert.equal(plain("zero\u200bwidth\u{e0041}"), "zero⟨U+200B⟩width⟨U+E0041⟩");
  assert.equal(plain("a b <i>"), "a b <i>");
});
