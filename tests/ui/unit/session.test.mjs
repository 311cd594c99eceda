// What is known of a token before it is shown to anybody.

import assert from "node:assert/strict";
import { test } from "node:test";
import { keep, refusal, token } from "../../../web/session.js";

test("without a memory it is kept as long as the page is", () => {
  assert.equal(token(), null);
  keep("abc");
  assert.equal(token(), "abc");
  keep(null);
  assert.equal(token(), null);
});

test("what no browser could send is never shown to the server", async () => {
  for (const text of ["", "a b", "a,b", "a\nb", "\u00e4", "a/b", "a=", "\"a\""]) {
    assert.match(await refusal(text, assert.fail), /cannot be a token/, text);
  }
});

test("the server says whether it knows a token", async () => {
  const answering = (status) => () => Promise.resolve(status < 300 ? { ok: true } : { ok: false, status });
  assert.match(await refusal("abc", answering(401)), /does not know/);
  assert.equal(await refusal("abc", answering(400)), null);
  assert.equal(await refusal("abc", answering(200)), null);
  assert.match(await refusal("abc", async () => ({ ok: false, status: 0 })), /does not answer/);
});
