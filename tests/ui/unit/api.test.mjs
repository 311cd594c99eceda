// Requests over HTTP, with a `fetch` of the test's own.

import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { request, segment } from "../../../web/api.js";
import { keep } from "../../../web/session.js";

const original = globalThis.fetch;
afterEach(() => { globalThis.fetch = original; });

/** The next request is answered like this; what was asked is noted. */
function answering(status, text, statusText = "", type = "application/json") {
  const asked = [];
  globalThis.fetch = async (path, options) => {
    asked.push({ path, method: options.method, body: options.body, headers: options.headers });
    const headers = new Headers({ "Content-Type": type });
    return { ok: status < 300, status, statusText, headers, text: async () => text };
  };
  return asked;
}

test("a body is sent as JSON, and the answer is read", async () => {
  const asked = answering(201, '{"name":"A"}');
  assert.deepEqual(await request("POST", "operate/semaphores", { name: "A" }), { ok: true, body: { name: "A" } });
  assert.deepEqual(asked, [{ path: "operate/semaphores", method: "POST", body: '{"name":"A"}', headers: { "Content-Type": "application/json" } }]);
  answering(200, "");
  assert.deepEqual(await request("GET", "history"), { ok: true, body: null });
});

test("a refusal says why, whoever refuses", async () => {
  answering(409, '{"code":"in_use","detail":"It is in use."}');
  assert.deepEqual(await request("DELETE", "x"), { ok: false, status: 409, code: "in_use", detail: "It is in use." });
  answering(403, "The role of the token is observe; this needs operate.", "Forbidden", "text/plain; charset=utf-8");
  assert.equal((await request("DELETE", "x")).detail, "The role of the token is observe; this needs operate.");
  answering(502, "<h1>Bad Gateway</h1>", "Bad Gateway", "text/html");
  assert.deepEqual(await request("DELETE", "x"), { ok: false, status: 502, code: "502", detail: "The server refused: 502 Bad Gateway" });
  globalThis.fetch = async () => { throw new TypeError("away"); };
  const { status, code, detail } = await request("DELETE", "x");
  assert.deepEqual([status, code], [0, "lost"]);
  assert.match(detail, /not known/);
});

test("the token is shown, if there is one", async () => {
  keep("abc");
  const asked = answering(200, "{}");
  await request("GET", "history");
  await request("GET", "history", undefined, "other");
  keep(null);
  await request("GET", "history");
  assert.deepEqual(asked.map(({ headers }) => headers.Authorization), ["Bearer abc", "Bearer other", undefined]);
});

test("any name is one part of a path, but for those that lead elsewhere", () => {
  for (const name of ["/&", "%2F", "a b", "?#", "<img src=x>", "\"'", "two\nlines", "שלום", "\u202e", "...", "x".repeat(128)]) {
    const { pathname } = new URL(`operate/semaphores/${segment(name)}/free`, "http://x/below/");
    const parts = pathname.split("/");
    assert.deepEqual([parts.length, decodeURIComponent(parts[4])], [6, name]);
  }
  assert.deepEqual([segment("."), segment("..")], [null, null]);
});
