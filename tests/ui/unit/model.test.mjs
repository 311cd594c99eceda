// Messages in, model out.

import assert from "node:assert/strict";
import { test } from "node:test";
import * as events from "../../../web/model/events.js";
import { freshness } from "../../../web/model/freshness.js";
import * as history from "../../../web/model/history.js";
import * as models from "../../../web/model/model.js";
import * as rates from "../../../web/model/rates.js";

const SERVER = { version: "0.1.0", epoch: "1", started_ms: 0, ready: true, peers: 1, sessions: 1, grants: 10, releases: 9, expirations: 0 };

function one(held, more = {}) {
  return { max: 2, level: 0, held, holders: held, pending: 0, waiters: 0, ...more };
}

function snapshot(semaphores, more = {}) {
  return { seq: 1, now_ms: 1_000_000, snapshot: true, server: SERVER, semaphores, ...more };
}

test("a snapshot is all there is, and changes are added to it", () => {
  const first = models.state(models.empty(), snapshot({ A: one(0), B: one(1) }), 5);
  assert.deepEqual([...first.semaphores.keys()], ["A", "B"]);
  const second = models.state(first, { seq: 2, now_ms: 1_000_500, semaphores: { A: one(1), C: one(2) }, gone: ["B"] }, 6);
  assert.deepEqual([...second.semaphores], [["A", one(1)], ["C", one(2)]]);
  assert.equal(first.semaphores.get("A").held, 0, "what a view holds is not changed");
  assert.notEqual(second.names, first.names);
  const third = models.state(second, { seq: 3, now_ms: 1_001_000, semaphores: { A: one(2) } }, 7);
  assert.equal(third.names, second.names, "names are the same");
  const sign = models.state(third, { seq: 4, now_ms: 1_006_000 }, 8);
  assert.equal(sign.semaphores, third.semaphores);
  assert.equal(sign.version, third.version);
  const anew = models.state(sign, { ...snapshot({ Z: one(0) }), seq: 9 }, 9);
  assert.deepEqual([...anew.semaphores.keys()], ["Z"]);
});

test("a gap breaks the model until the next snapshot", () => {
  const known = models.state(models.empty(), snapshot({ A: one(0) }), 5);
  const broken = models.state(known, { seq: 3, now_ms: 1_001_000, semaphores: { A: one(1) } }, 6);
  assert.ok(broken.broken);
  assert.equal(broken.semaphores.get("A").held, 0, "nothing is taken from it");
  assert.ok(models.state(models.empty(), { seq: 1, now_ms: 1 }, 6).broken, "changes to nothing");
  assert.ok(!models.state(broken, snapshot({ A: one(2) }), 7).broken);
});

test("a server that has lost its memory has new events", () => {
  const event = { n: 1, at_ms: 1, kind: "granted", peer: "1", semaphore: "A" };
  const known = models.state(models.empty(), snapshot({ A: one(0) }, { events: [event, { ...event, n: 2 }] }), 5);
  const again = models.state(known, snapshot({ A: one(0) }, { events: [event, { ...event, n: 2 }, { ...event, n: 3 }] }), 6);
  assert.deepEqual(again.events.list.map(({ n }) => n), [3, 2, 1]);
  const restarted = models.state(again, snapshot({ A: one(0) }, { events: [event], server: { ...SERVER, epoch: "2", grants: 0 } }), 7);
  assert.deepEqual(restarted.events.list.map(({ n }) => n), [1]);
  assert.equal(restarted.rates.grants, null);
});

test("the server's clock goes on while the page hears it", () => {
  const model = models.state(models.empty(), snapshot({}), 500);
  assert.equal(models.serverNow(model, 1_500, true), 1_001_000);
  assert.equal(models.serverNow(model, 1_500, false), 1_000_000);
});

test("a message that was long on its way does not turn the clock back", () => {
  const second = (model, seq, nowMs, heardAt) => models.state(model, { seq, now_ms: nowMs }, heardAt);
  const first = models.state(models.empty(), snapshot({}), 500);
  const late = second(first, 2, 1_000_450, 1_000);
  assert.equal(models.serverNow(late, 1_000, true), 1_000_500, "as before the message");
  assert.equal(models.serverNow(late, 1_040, true), 1_000_500, "it waits");
  assert.equal(models.serverNow(late, 1_100, true), 1_000_550, "and goes on");
  assert.equal(models.serverNow(second(late, 3, 1_001_000, 1_500), 1_500, true), 1_001_000);
  assert.equal(models.serverNow(second(late, 3, 700_000, 1_500), 1_500, true), 700_000, "unless the server's was set");
  assert.equal(models.serverNow(late, 1_100, false), 1_000_450);
});

test("events are kept once, newest first, and not for ever", () => {
  const event = (n) => ({ n, at_ms: n, kind: n % 2 ? "granted" : "released", peer: `s${n}`, label: n === 2 ? "Worker" : undefined, semaphore: "A" });
  const many = Array.from({ length: events.MOST + 5 }, (_, index) => event(index + 1));
  let log = events.add(events.none(), { events: many.slice(0, 3), events_lost: 4 });
  assert.deepEqual(log.list.map(({ n }) => n), [3, 2, 1]);
  assert.equal(log.lost, 4);
  log = events.add(log, { events: many });
  assert.deepEqual([log.list.length, log.list[0].n, log.list.at(-1).n], [events.MOST, events.MOST + 5, 6]);
  assert.equal(events.add(log, { events: many }), log, "nothing new");
});

test("events are found by kind, text, semaphore and peer", () => {
  const list = [
    { n: 3, kind: "superseded", peer: "s1" },
    { n: 2, kind: "expired", peer: "77", semaphore: "Database" },
    { n: 1, kind: "granted", peer: "s1", label: "worker 7", semaphore: "A" },
  ];
  const found = (asked) => events.select(list, asked).map(({ n }) => n);
  assert.deepEqual(found({}), [3, 2, 1]);
  assert.deepEqual(found({ kinds: ["expired", "granted"] }), [2, 1]);
  assert.deepEqual(found({ text: " WORKER" }), [1]);
  assert.deepEqual(found({ text: "data" }), [2]);
  assert.deepEqual(found({ text: "77" }), [2]);
  assert.deepEqual(found({ peer: "s1" }), [3, 1]);
  assert.deepEqual(found({ semaphore: "A" }), [1]);
});

test("grants per second are those of the last seconds", () => {
  let it = rates.none();
  const at = (seconds, grants) => {
    it = rates.add(it, { grants }, seconds * 1000);
    return it.grants;
  };
  assert.equal(at(0, 100), null);
  assert.equal(at(1, 110), 10);
  assert.equal(at(5, 150), 10);
  for (let second = 6; second <= 60; second += 1) at(second, 150);
  assert.equal(it.grants, 0);
  assert.ok(it.samples.length <= 12);
  assert.equal(at(61, 3), null, "a new server");
  assert.equal(rates.add(it, {}, 1).grants, null, "no counter");
});

test("history is loaded once and goes on by itself", () => {
  let it = history.load({ every_ms: 5_000, until_ms: 100_000, semaphores: { A: { held: [0, 1], waiting: [2, 3] } } }, history.none());
  const now = new Map([["A", one(2, { pending: 5 })], ["B", one(1)]]);
  assert.equal(history.advance(it, 104_999, now), it, "not yet time");
  it = history.advance(it, 110_500, now);
  assert.deepEqual(it.lines.get("A"), { held: [0, 1, 2, 2], waiting: [2, 3, 5, 5] });
  assert.deepEqual(it.lines.get("B").held, [1, 1]);
  assert.equal(it.untilMs, 110_000);
  const [times, held, waiting] = history.series(it, "A", now.get("A"), 112_000);
  assert.deepEqual(times, [95, 100, 105, 110, 112]);
  assert.deepEqual([held, waiting], [[0, 1, 2, 2, 2], [2, 3, 5, 5, 5]]);
  for (let step = 1; step <= 400; step += 1) it = history.advance(it, 110_000 + step * 5_000, now);
  assert.equal(it.lines.get("A").held.length, history.POINTS);
  it = history.advance(it, it.untilMs + 10_000_000, now);
  assert.deepEqual(it.lines.get("A").held, [2], "after a long sleep there is nothing to show");
});

test("the state of the connection is always in words", () => {
  const model = models.state(models.empty(), snapshot({}), 1_000);
  const open = { phase: "open", watching: true };
  const words = (link, at, of = model) => {
    const { live, word, detail } = freshness(link, of, at);
    return [live, word, detail];
  };
  assert.deepEqual(words(open, 2_000), [true, "Live", ""]);
  assert.deepEqual(words(open, 21_000), [false, "Silent", "data is 20 s old"]);
  assert.deepEqual(words({ phase: "waiting", retryAt: 9_400 }, 6_000), [false, "Disconnected", "data is 5 s old, retry in 4 s"]);
  assert.deepEqual(words({ phase: "paused" }, 6_000), [false, "Paused", "data is 5 s old"]);
  assert.deepEqual(words({ phase: "refused", reason: "not allowed" }, 1_000), [false, "Refused", "data is 0 s old, not allowed"]);
  assert.deepEqual(words({ phase: "connecting" }, 1_000, models.empty()), [false, "Connecting", ""]);
  assert.deepEqual(words(open, 2_000, { ...model, broken: true })[0], false);
});
