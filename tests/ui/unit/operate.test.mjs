// What operators do: forms, requests, what they will hit, and what comes of it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { blank, denial, fieldsOf, flaw, order } from "../../../web/operate/deeds.js";
import { Desk } from "../../../web/operate/desk.js";
import { impact, inUse } from "../../../web/operate/impact.js";
import { outcome } from "../../../web/operate/outcome.js";
import { deedText, difference, differing } from "../../../web/operate/record.js";

function form(deed, subject = {}, draft = {}) {
  const it = blank(deed, subject);
  return { ...it, draft: { ...it.draft, ...draft } };
}

function said(sentences) {
  return sentences.map((parts) => parts.map((part) => part.text ?? part).join(""));
}

const WAS = { max: 10, level: 0 };

test("a form becomes the request that does it", () => {
  const name = "/&%2F";
  const at = "operate/semaphores/%2F%26%252F";
  const why = { why: "because" };
  assert.deepEqual(order(form("create", {}, { name, max: " 4 ", level: "-1" })), ["POST", "operate/semaphores", { name, max: 4, level: -1 }]);
  assert.deepEqual(order(form("change", { name, was: WAS }, { max: "4", ...why })), ["PATCH", at, { max: 4, ...why }]);
  assert.deepEqual(order(form("change", { name, was: WAS }, { level: "2" })), ["PATCH", at, { level: 2 }], "what is not changed is not sent");
  assert.deepEqual(order(form("pause", { name })), ["PATCH", at, { paused: true }]);
  assert.deepEqual(order(form("resume", { name }, why)), ["PATCH", at, { paused: false, ...why }]);
  assert.deepEqual(order(form("free", { name }, { grace: " 30s " })), ["POST", `${at}/free`, { grace: "30s" }]);
  assert.deepEqual(order(form("delete", { name })), ["DELETE", at]);
  assert.deepEqual(order(form("delete", { name }, { force: true, why: "a&b=c #" })), ["DELETE", `${at}?force=true&why=a%26b%3Dc+%23`]);
  assert.deepEqual(order(form("revoke", { name, peer: "s1" }, why)), ["POST", "operate/peers/s1/revoke", { semaphore: name, ...why }]);
  assert.deepEqual(order(form("revoke", { peer: "s1" }, { grace: "5m" })), ["POST", "operate/peers/s1/revoke", { grace: "5m" }]);
  assert.deepEqual(order(form("reload")), ["POST", "operate/reload", {}]);
});

test("who may not act is told what it takes", () => {
  assert.deepEqual([null, "operate"].map(denial), [null, null]);
  for (const role of ["observe", "lease", "something new"]) assert.match(denial(role), new RegExp(`role ${role}: .* operate`));
});

test("what is blocked after an expiry is not free", () => {
  const semaphore = { ...GPU, max: 10, held: 1, delayed: 8, holders: 1, waiters: 2 };
  const of = (deed, draft) => hit(deed, {}, draft, { semaphore });
  assert.match(of("pause")[0], /1 of 10 held, 8 blocked after an expiry; 2 waiting/);
  assert.equal(of("resume")[1], "1 can be granted at once, to those who wait first.");
  assert.match(of("change", { max: "4" })[1], /^9 are held or blocked, 5 more than that/);
});

test("what cannot be right is said before anything is sent", () => {
  const wrong = (...of) => flaw(form(...of))?.field;
  assert.equal(flaw(form("create", {}, { name: "A", max: "1" })), null);
  assert.equal(wrong("create", {}, { name: "", max: "1" }), "name");
  assert.equal(wrong("create", {}, { name: "é".repeat(65), max: "1" }), "name");
  assert.equal(flaw(form("create", {}, { name: "é".repeat(64), max: "2147483648" })), null);
  for (const max of ["", "0", "-1", "1.5", "1e3", "0x10", "2147483649", "٣"]) assert.equal(wrong("create", {}, { name: "A", max }), "max", max);
  for (const level of ["", "x", "2147483648"]) assert.equal(wrong("create", {}, { name: "A", max: "1", level }), "level", level);
  assert.equal(wrong("change", { name: "A", was: WAS }), "max", "nothing is different");
  assert.equal(wrong("pause", { name: "A" }, { why: "x".repeat(129) }), "why");
  assert.match(flaw(form("delete", { name: ".." })).text, /No browser/);
  assert.equal(flaw(form("revoke", { name: "..", peer: "s1" })), null, "there it is in the body");
});

const GPU = { max: 10, level: 0, held: 4, holders: 3, pending: 10, waiters: 2 };
const DETAILS = {
  name: "gpu",
  holders: [{ peer: "s1", label: "alice" }, { peer: "s2" }, { peer: "s3", label: "bob" }],
  queue: [{ peer: "s4", label: "carol", want: { gpu: 8 } }, { peer: "s5", label: "dave", want: { gpu: 2, other: 9 } }],
};

function hit(deed, subject = {}, draft = {}, known = {}) {
  const semaphores = new Map();
  return said(impact(form(deed, { name: "gpu", was: WAS, ...subject }, draft), { semaphore: GPU, details: DETAILS, semaphores, now: 60_000, ...known }));
}

test("shrinking says what becomes of those who hold and wait", () => {
  const sum = "3 locks of 3 peers, 4 of 10 held; 2 waiting.";
  const file = "The file stays as it is: a reload or a restart brings back what it says.";
  assert.deepEqual(hit("change"), [sum]);
  assert.deepEqual(hit("change", {}, { max: "2" }), [sum, "4 are held, 2 more than that: nothing new is granted until it fits. Nothing is taken away.",
    "1 of 2 waiting wants more than 2 and will be sent away: carol.", file]);
  assert.deepEqual(hit("change", {}, { max: "9" }).slice(1), ["Nobody waits for more than 9.", file]);
  assert.deepEqual(hit("change", {}, { max: "1" }, { details: null })[2], "Who waits for more than 1 is sent away.");
  assert.deepEqual(hit("change", {}, { max: "1" }, { details: { ...DETAILS, queue: DETAILS.queue.slice(0, 1) } })[2],
    "At least 1 of 2 waiting wants more than 1 and will be sent away: carol.");
  assert.deepEqual(hit("change", {}, { max: "12" }).slice(1), ["8 can be granted at once, to those who wait first.", file]);
  assert.match(hit("change", {}, { level: "3" })[1], /when somebody acquires/);
});

test("what the file says is told apart", () => {
  const of = (configured, max) => hit("change", {}, { max }, { semaphore: { ...GPU, configured, waiters: 0 } }).at(-1);
  assert.equal(of({ max: 12, level: 0 }, "12"), "That is what the file says.");
  assert.match(of({ max: 12, level: 0 }, "11"), /brings back/);
  assert.doesNotMatch(of(null, "11"), /file/);
  assert.equal(differing({ max: 4, level: 0 }), null);
  assert.deepEqual(differing({ max: 4, level: 0, configured: null }), { short: "not in file", long: "not in the file" });
  assert.deepEqual(differing({ max: 4, level: 1, configured: { max: 2, level: 0 } }), { short: "file: max 2", long: "differs from the file: max 2, level 0" });
  assert.deepEqual(differing({ max: 4, level: 1, configured: { max: 4, level: 0 } }).short, "file: level 0");
  const manners = { max: 4, level: 0, max_pending: 3, configured: { max: 4, level: 0, max_hold_ms: 60_000, slots: true } };
  assert.equal(differing(manners).long, "differs from the file: max_pending none, max_hold 1 min, slots on");
  const bucket = { refill: 10, every_ms: 1_000, max_reserved: 1_000, slop_ms: 10 };
  const said = { max: 4, level: 0, ...bucket, refill: 1, slop_ms: 100 };
  assert.equal(differing({ max: 4, level: 0, bucket, configured: said }).long, "differs from the file: rate 1 in 1 s, slop 100 ms");
});

test("each deed says whom it hits", () => {
  assert.deepEqual(hit("free").slice(1), ["Held by alice, s2, bob.", "Who waits is next, in their order."]);
  assert.deepEqual(hit("free", {}, {}, { semaphore: { ...GPU, holders: 9, paused: true } }).slice(1), ["Held by alice, s2, bob and 6 more.", "It is paused: who waits goes on waiting."]);
  assert.match(hit("resume")[1], /^6 can be granted/);
  assert.deepEqual(hit("delete", {}, {}, { semaphore: { ...GPU, held: 0, holders: 0, waiters: 0, configured: null } }), ["Nobody holds it; nobody waits."]);
  assert.match(hit("delete").at(-1), /brings it back/);
  assert.deepEqual(hit("pause", {}, {}, { semaphore: undefined }), ["It is not there any more."]);
  assert.equal(hit("revoke", { peer: "s1", lock: { count: 3, since_ms: 55_000 } })[0], "1 lock, 3 of 10, held for 5 s; 2 waiting.");
  const peer = { peer: "s1", locks: ["A", "B", "C", "D"].map((semaphore) => ({ semaphore })), waiting: {} };
  assert.equal(hit("revoke", { name: undefined, peer: "s1" }, {}, { details: peer })[0], "4 locks: A, B, C and 1 more; it waits in line, and loses its place.");
  assert.equal(hit("revoke", { name: undefined, peer: "s1" }, {}, { details: { peer: "s1", locks: [] } })[0], "It holds nothing; it waits for nothing.");
  assert.deepEqual(hit("revoke", { name: undefined, peer: "s1" }), ["The peer is not there any more."]);
  assert.match(hit("create", {}, { name: "A" }, { semaphores: new Map([["A", GPU]]) })[0], /already/);
  const semaphores = new Map([["A", { ...GPU, configured: { max: 1, level: 0 } }], ["B", { ...GPU, configured: null }], ["C", GPU]]);
  assert.equal(hit("reload", {}, {}, { semaphores })[1], "What was changed here becomes what the file says, in 1 semaphore: A.");
  assert.deepEqual([inUse(undefined), inUse(GPU), inUse({ holders: 0, waiters: 0 })], [false, true, false]);
});

const API = { max: 10, level: 0, held: 9, holders: 2, pending: 4, waiters: 1, bucket: { refill: 1, every_ms: 1_000, full_at_ms: 63_000, reserved: 0 } };
const TENANTS = { max: 2, level: 0, held: 5, holders: 4, pending: 3, waiters: 3, keys: 3 };

test("a bucket has a capacity, no level, and tokens that come back", () => {
  const of = (deed, draft = {}, more = {}) => hit(deed, { name: "api", bucket: true }, draft, { semaphore: { ...API, ...more }, details: { name: "api", holders: [], queue: [] } });
  const sum = "2 permits of 2 peers, 3 of 10 tokens spent; 1 waiting.";
  assert.equal(of("pause")[0], sum);
  assert.equal(of("delete", {}, { holders: 0, waiters: 0 })[0], "No permit is in use, 3 of 10 tokens spent; nobody waits.");
  assert.deepEqual(of("change", { max: "2" })[1], "3 tokens are spent, 1 more than that: nothing new is granted until enough are back.");
  assert.deepEqual(of("change", { max: "12" })[1], "9 can be granted at once, to those who wait first.");
  assert.match(of("resume")[1], /^7 can be granted/);
  assert.match(of("resume", {}, { bucket: { ...API.bucket, full_at_ms: 70_000 } })[1], /^No tokens are left/);
  assert.equal(of("free").at(-1), "Tokens come back with time, not with this.");
  assert.equal(hit("revoke", { name: "api", bucket: true, peer: "s1", lock: { count: 3, since_ms: 55_000 } }, {}, { semaphore: API })[0], "1 permit, 3, held for 5 s; 1 waiting.");
  const subject = { name: "api", bucket: true, was: WAS };
  assert.deepEqual([fieldsOf(form("change", subject)), fieldsOf(form("change", { name: "A", was: WAS }))], [["max"], ["max", "level"]]);
  assert.match(flaw(form("change", subject, { max: "0" })).text, /^Capacity is/);
  const { notice } = outcome(form("change", subject), { before: { ...WAS, paused: false }, after: { max: 4, level: 0, paused: false } });
  assert.deepEqual(said([notice]), ["api: capacity 10 → 4."]);
  assert.deepEqual(said([outcome(form("free", subject), { until_ms: 1, revoked: [{ locks: [{}] }] }).notice]), ["1 permit on api was taken away."]);
  assert.equal(differing({ max: 4, level: 0, bucket: API.bucket, configured: { max: 2, level: 0 } }).short, "file: capacity 2");
});

test("what is done to a pattern is done to each key", () => {
  const of = (deed, draft) => hit(deed, {}, draft, { semaphore: TENANTS });
  assert.equal(of("pause")[0], "3 keys: 4 locks of 4 peers, 5 held; 3 waiting.");
  assert.deepEqual(of("change", { max: "1" }).slice(1, 3), ["It is what each key has for itself. Nothing is taken away.", "Who waits for more than 1 is sent away."]);
  assert.match(of("resume")[1], /of each key/);
});

test("what was done is said in words", () => {
  const running = { max: 1200, level: 0, paused: false };
  assert.equal(difference(running, { max: 4, level: 1, paused: true }), "max 1\u202f200 → 4, level 0 → 1, running → paused");
  assert.equal(difference(running, running), "nothing is different");
  const kept = { ...running, max_pending: 3, max_hold_ms: 3_600_000, slots: true };
  assert.equal(difference(running, kept), "max_pending none → 3, max_hold none → 1 h, slots none → on");
  assert.equal(difference(kept, { ...kept, max_hold_ms: 1_500, slots: undefined }), "max_hold 1 h → 1.5 s, slots on → none");
  const bucket = { ...running, refill: 10, every_ms: 60_000, max_reserved: 1_000, slop_ms: 600 };
  assert.equal(difference(bucket, { ...bucket, refill: 20 }), "rate 10 in 1 min → 20 in 1 min");
  assert.equal(difference(bucket, { ...bucket, max_reserved: 5, slop_ms: 0 }), "max_reserved 1\u202f000 → 5, slop 600 ms → 0 ms");
  assert.equal(deedText({ kind: "create", semaphore: "A", after: { ...running, max: 2 } }), "max 2, level 0");
  assert.equal(deedText({ kind: "pause", semaphore: "A", before: running, after: { ...running, paused: true } }), "");
  assert.equal(deedText({ kind: "free", semaphore: "A", locks: 3 }), "3 locks");
  assert.equal(deedText({ kind: "reload" }), "nothing has changed");
  assert.equal(deedText({ kind: "reload", semaphore: "A", before: { ...running, max: 2 } }), "no longer in the file: max was 2, level 0");
  const notice = (deed, subject, draft, answer) => said([outcome(form(deed, subject, draft), answer).notice])[0];
  assert.equal(notice("revoke", { peer: "s1", label: "alice" }, {}, { until_ms: 1, revoked: [{ peer: "s1", locks: [{}] }] }), "1 lock of alice was taken away.");
  assert.match(notice("free", { name: "A" }, { grace: "30s" }, { until_ms: 1, revoked: [{ locks: [{}] }, { locks: [{}] }] }), /^2 locks on A will be taken away at \d\d:/);
  const { lines } = outcome(form("reload"), { changes: [{ semaphore: "A", before: null, after: { max: 1, level: 0, paused: false } }], restart: ["port"] });
  assert.deepEqual(said(lines), ["A new: max 1, level 0", "These have changed too, and need a restart: port."]);
});

/** A desk whose server answers when the test says so. */
function desk() {
  const it = { asked: [], answers: [], alarms: [], changes: 0 };
  it.desk = new Desk({
    request: (...order) => new Promise((resolve) => { it.asked.push(order); it.answers.push(resolve); }),
    changed: () => { it.changes += 1; },
    world: { after: (_, then) => it.alarms.push(then), cancel: () => {} },
  });
  return it;
}

test("a form is sent once, however often somebody asks", async () => {
  const { desk: it, asked, answers, alarms } = desk();
  it.open("pause", { name: "A" });
  it.type("why", "maintenance");
  const sent = it.submit();
  it.submit();
  it.type("why", "too late");
  assert.deepEqual(asked, [["PATCH", "operate/semaphores/A", { paused: true, why: "maintenance" }]]);
  assert.ok(it.form.busy);
  answers[0]({ ok: true, body: {} });
  await sent;
  assert.equal(it.form, null);
  assert.deepEqual(it.notice, { parts: [{ text: "A" }, " is paused."], failed: false });
  alarms[0]();
  assert.equal(it.notice, null);
});

test("a refusal is shown, and what was typed is kept", async () => {
  const { desk: it, answers } = desk();
  it.open("delete", { name: "A" });
  it.type("why", "old");
  const sent = it.submit();
  answers[0]({ ok: false, status: 409, code: "in_use", detail: "It is in use." });
  await sent;
  assert.deepEqual([it.form.busy, it.form.refused, it.form.error.text, it.form.draft.why], [false, "in_use", "It is in use.", "old"]);
  it.type("force", true);
  assert.equal(it.form.error, null);
  assert.equal(it.form.refused, "in_use", "force is still offered");
});

test("what comes of a form that was put away is told all the same", async () => {
  const { desk: it, answers } = desk();
  it.open("pause", { name: "A" });
  const sent = it.submit();
  it.close();
  it.open("pause", { name: "B" });
  answers[0]({ ok: false, status: 0, code: "lost", detail: "No answer." });
  await sent;
  assert.equal(it.form.subject.name, "B");
  assert.deepEqual(it.notice, { parts: ["Not done: ", { text: "No answer." }], failed: true });
});

test("what is wrong already is not sent", async () => {
  const { desk: it, asked } = desk();
  it.open("create", {});
  await it.submit();
  assert.deepEqual([asked.length, it.form.error.field], [0, "name"]);
});

test("a reload is read before it is put away", async () => {
  const { desk: it, asked, answers } = desk();
  it.open("reload", {});
  const sent = it.submit();
  answers[0]({ ok: true, body: { changes: [], restart: [] } });
  await sent;
  assert.equal(it.form.result.lines.length, 1);
  await it.submit();
  assert.equal(asked.length, 1);
});
