// How many tokens there are, from what the server says once.

import assert from "node:assert/strict";
import { test } from "node:test";
import { available, closedFor, hasTokens, nextToken, spent, used } from "../../../web/model/bucket.js";

function bucket(more = {}, max = 10) {
  return { max, held: 7, bucket: { refill: 10, every_ms: 60_000, reserved: 0, ...more } };
}

test("tokens come back one by one, evenly", () => {
  const it = bucket({ full_at_ms: 100_000 });
  const at = { 82_000: 3, 82_001: 3, 87_999: 3, 88_000: 2, 93_999: 2, 94_000: 1, 99_999: 1, 100_000: 0, 200_000: 0 };
  for (const [now, number] of Object.entries(at)) assert.equal(spent(it, Number(now)), number, now);
  assert.equal(available(it, 82_000), 7);
  assert.equal(used(it, 82_000), 3, "not the permits in use");
  assert.equal(spent(bucket(), 0), 0, "without a moment it is full");
});

test("more may have been used than there was", () => {
  assert.equal(available(bucket({ full_at_ms: 78_000 }), 0), -3);
});

test("time as the browser has it does not spend a token", () => {
  const it = bucket({ refill: 3, every_ms: 1_000, full_at_ms: 2_000 });
  for (let tick = 0; tick < 3_000; tick += 0.7) {
    const now = 1_795_246_800_000 + tick;
    const later = { ...it, bucket: { ...it.bucket, full_at_ms: 1_795_246_802_000 } };
    assert.ok(spent(later, now + 0.7) <= spent(later, now), tick);
  }
});

test("it is known when the next token is back", () => {
  const one = new Map([["api", bucket({ full_at_ms: 100_000 })]]);
  assert.equal(nextToken(one, 82_000), 6_000);
  assert.equal(nextToken(one, 87_500), 500);
  assert.equal(nextToken(one, 100_000), Infinity);
  const both = new Map([...one, ["fast", bucket({ refill: 1, every_ms: 250, full_at_ms: 82_500 })], ["gpu", { max: 1, held: 1 }]]);
  assert.equal(nextToken(both, 82_000), 250);
  for (const [now, ms] of [[82_000, 6_000], [90_123, 3_877]]) assert.equal(spent(one.get("api"), now + ms), spent(one.get("api"), now) - 1);
});

test("closed is for a while", () => {
  assert.deepEqual([closedFor(bucket({ closed_until_ms: 500 }), 200), closedFor(bucket({ closed_until_ms: 500 }), 500), closedFor(bucket(), 0), closedFor({ max: 1 }, 0)], [300, 0, 0, 0]);
});

test("a pattern of buckets has no tokens, its keys have", () => {
  assert.deepEqual([hasTokens(bucket()), hasTokens({ ...bucket(), keys: 3 }), hasTokens({ max: 1 }), hasTokens({ max: 1, keys: 3 })], [true, false, false, false]);
  assert.equal(used({ ...bucket({ full_at_ms: 9 }), keys: 3 }, 0), 7);
  assert.equal(nextToken(new Map([["tenant/*", { ...bucket({ full_at_ms: 9 }), keys: 3 }]]), 0), Infinity);
});
