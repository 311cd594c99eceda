// The connection, with sockets and clocks of the test's own.

import assert from "node:assert/strict";
import { test } from "node:test";
import { pause } from "../../../web/feed/backoff.js";
import { Inspector } from "../../../web/feed/inspector.js";
import { Link } from "../../../web/feed/link.js";

/** A browser in which time passes when the test says so. */
function world(token = null) {
  const it = { time: 0, sockets: [], alarms: new Map(), heard: [], states: [], dice: 0.5 };
  it.link = new Link({
    url: "ws://x/ws",
    token: () => token,
    hear: (message) => it.heard.push(message.seq),
    changed: ({ phase }) => it.states.push(phase),
    world: {
      open: (url, protocol) => {
        const socket = { url, protocol, sent: [], closed: null, send: (text) => socket.sent.push(JSON.parse(text)), close: (code) => { socket.closed = code; } };
        it.sockets.push(socket);
        return socket;
      },
      after: (ms, then) => {
        const key = Symbol("alarm");
        it.alarms.set(key, { at: it.time + ms, then });
        return key;
      },
      cancel: (key) => it.alarms.delete(key),
      now: () => it.time,
      dice: () => it.dice,
    },
  });
  it.pass = (ms) => {
    it.time += ms;
    for (const [key, { at, then }] of [...it.alarms]) {
      if (at <= it.time && it.alarms.delete(key)) then();
    }
  };
  it.socket = () => it.sockets.at(-1);
  it.say = (message) => it.socket().onmessage({ data: JSON.stringify(message) });
  return it;
}

function opened() {
  const it = world();
  it.link.connect();
  it.socket().onopen();
  return it;
}

test("it says hello, watches, and hears", () => {
  const it = opened();
  const { url, protocol, sent } = it.socket();
  assert.deepEqual([url, protocol], ["ws://x/ws", "throttle.v1"]);
  assert.deepEqual(sent, [{ type: "hello", client: "dashboard" }, { type: "watch", id: 1, every_ms: 500 }]);
  it.say([{ type: "welcome" }, { type: "watching", id: 1 }, { type: "state", id: 1, seq: 1 }]);
  it.say({ type: "state", id: 1, seq: 2 });
  it.say({ type: "state", id: 9, seq: 3 });
  assert.deepEqual(it.heard, [1, 2]);
  assert.deepEqual(it.states, ["connecting", "open", "open"]);
});

test("what the session may do is known as far as the server says it", () => {
  const it = opened();
  assert.equal(it.link.role, null);
  it.say({ type: "welcome", role: "observe" });
  assert.equal(it.link.role, "observe");
  it.say({ type: "welcome" });
  assert.equal(it.link.role, null);
});

test("after a gap it watches anew, and what still comes of the old watch is not heard", () => {
  const it = opened();
  it.link.watch();
  assert.deepEqual(it.socket().sent.slice(2), [{ type: "unwatch", id: 1 }, { type: "watch", id: 2, every_ms: 500 }]);
  it.say({ type: "state", id: 1, seq: 7 });
  it.say({ type: "state", id: 2, seq: 1 });
  assert.deepEqual(it.heard, [1]);
});

test("it comes back by itself, ever more slowly, and starts anew after success", () => {
  const it = opened();
  const waits = [];
  for (let attempt = 0; attempt < 8; attempt += 1) {
    it.socket().onclose({ code: 1006 });
    waits.push(it.link.state.retryAt - it.time);
    it.pass(waits.at(-1));
  }
  assert.deepEqual(waits, [250, 500, 1000, 2000, 4000, 7500, 7500, 7500]);
  it.socket().onopen();
  it.say({ type: "state", id: it.socket().sent[1].id, seq: 1 });
  it.socket().onclose({ code: 1012 });
  assert.equal(it.link.state.retryAt - it.time, 250);
});

test("full jitter: from nothing to the ceiling", () => {
  assert.deepEqual([pause(3, () => 0), pause(3, () => 0.9999), pause(99, () => 0.9999)], [0, 1999, 14998]);
});

test("a server that goes away says when to come back", () => {
  const it = opened();
  it.say({ type: "draining", reconnect_in_ms: 1234 });
  it.socket().onclose({ code: 1012 });
  assert.equal(it.link.state.retryAt, 1234);
});

test("who is refused does not try again by itself", () => {
  const it = opened();
  it.socket().onclose({ code: 4403 });
  assert.deepEqual(it.link.state, { phase: "refused", watching: false, reason: "not allowed" });
  it.pass(1_000_000);
  assert.equal(it.sockets.length, 1);
});

test("a token stands beside the protocol, and nowhere else", () => {
  const it = world("abc");
  it.link.connect();
  it.socket().onopen();
  assert.deepEqual(it.socket().protocol, ["throttle.v1", "bearer.abc"]);
  assert.doesNotMatch(it.socket().url + JSON.stringify(it.socket().sent), /abc/);
});

test("without a token that is known it waits for one", () => {
  const it = opened();
  it.socket().onclose({ code: 4401 });
  const waits = { phase: "refused", watching: false, reason: "a token is needed", tokenWanted: true };
  assert.deepEqual(it.link.state, waits);
  it.pass(1_000_000);
  assert.equal(it.sockets.length, 1);
  const found = opened();
  found.socket().onclose({ code: 1006 });
  found.link.wantToken();
  found.pass(1_000_000);
  assert.deepEqual([found.link.state, found.sockets.length], [waits, 1]);
});

test("a watch that is refused is told so; one that may be had later is tried again", () => {
  const it = opened();
  it.say({ type: "error", id: 1, code: "forbidden", message: "Not for you.", retryable: false });
  assert.deepEqual(it.link.state, { phase: "refused", watching: false, reason: "Not for you." });
  const later = opened();
  later.say({ type: "error", id: 1, code: "limit_exceeded", message: "Too many.", retryable: true });
  assert.equal(later.link.state.phase, "waiting");
});

test("a connection that says nothing is given up", () => {
  const it = opened();
  it.say({ type: "state", id: 1, seq: 1 });
  const { length } = it.sockets;
  it.pass(20_000);
  assert.equal(it.sockets.at(length - 1).closed, 1000);
  assert.equal(it.link.state.phase, "waiting");
  const never = world();
  never.link.connect();
  never.pass(10_000);
  assert.equal(never.link.state.phase, "waiting", "nor does it wait for ever to be let in");
});

test("paused, it is gone until it is called", () => {
  const it = opened();
  const before = it.socket();
  it.link.pause();
  assert.equal(before.closed, 1000);
  assert.equal(before.onmessage, null);
  it.pass(1_000_000);
  assert.equal(it.sockets.length, 1);
  it.link.connect();
  assert.equal(it.sockets.length, 2);
});

test("questions are answered, or given back when the connection is lost", async () => {
  const it = opened();
  const first = it.link.inspect({ name: "A" });
  const second = it.link.inspect({ peer: "s1", limit: 5 });
  assert.deepEqual(it.socket().sent.slice(2), [{ type: "inspect", id: 2, name: "A" }, { type: "inspect", id: 3, peer: "s1", limit: 5 }]);
  it.say({ type: "details", id: 2, name: "A" });
  assert.equal((await first).name, "A");
  it.socket().onclose({ code: 1006 });
  assert.equal((await second).code, "lost");
  assert.equal((await it.link.inspect({ name: "A" })).code, "lost");
});

test("details are asked for when something has changed, one question at a time", async () => {
  const asked = [];
  const answers = [];
  const it = new Inspector({ ask: (subject) => new Promise((resolve) => { asked.push(subject); answers.push(resolve); }), changed: () => {} });
  it.look({ name: "A" });
  it.tick(0, "v1");
  it.tick(5_000, "v2");
  assert.deepEqual(asked, [{ name: "A", limit: 100 }], "the first is not answered yet");
  answers[0]({ type: "details", holders: [] });
  await Promise.resolve();
  assert.deepEqual(it.answer.holders, []);
  it.tick(400, "v1");
  assert.equal(asked.length, 1, "nothing has changed");
  it.tick(600, "v2");
  assert.equal(asked.length, 2);
  it.look({ peer: "s1" });
  answers[1]({ type: "details", name: "A" });
  await Promise.resolve();
  assert.equal(it.answer, null, "nobody looks at A any more");
  it.tick(601, "v2");
  answers[2]({ type: "error", code: "unknown_peer" });
  await Promise.resolve();
  assert.equal(it.error.code, "unknown_peer");
});
