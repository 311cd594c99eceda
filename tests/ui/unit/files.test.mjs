// Rules about the files themselves: whose they are, what they may not do, how long they are.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const TESTS = join(dirname(fileURLToPath(import.meta.url)), "..");
const WEB = join(TESTS, "../../web");
const FILES = readdirSync(WEB, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => relative(WEB, join(entry.parentPath ?? entry.path, entry.name)));
const OWN = FILES.filter((name) => /\.(js|css|html)$/.test(name) && !name.startsWith("vendor/"));

function read(name) {
  return readFileSync(join(WEB, name), "utf8");
}

test("the code of others is what they published", () => {
  for (const directory of [join(WEB, "vendor"), join(TESTS, "vendor")]) {
    const listed = readFileSync(join(directory, "SHA256SUMS"), "utf8").trim().split("\n").map((line) => line.split("  "));
    const there = readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !["README.md", "SHA256SUMS"].includes(entry.name))
      .map((entry) => relative(directory, join(entry.parentPath ?? entry.path, entry.name)));
    assert.deepEqual(listed.map(([, name]) => name).sort(), there.sort());
    for (const [sum, name] of listed) {
      assert.equal(createHash("sha256").update(readFileSync(join(directory, name))).digest("hex"), sum, name);
    }
  }
});

test("each file of ours is short and says what it is for", () => {
  for (const name of OWN.filter((it) => !it.endsWith(".html"))) {
    const text = read(name);
    assert.match(text, /^(\/\/ |\/\* )[A-Z`]/, name);
    assert.ok(text.split("\n").length <= 300, name);
  }
});

test("nothing is written into the page as HTML, evaluated, or loaded from elsewhere", () => {
  const forbidden = /innerHTML|outerHTML|insertAdjacentHTML|unsafeHTML|document\.write|\beval\(|new Function|<style|\sstyle=|\son[a-z]+=|javascript:|https?:\/\/(?!www\.w3\.org)|@import|url\(/;
  for (const name of OWN) assert.doesNotMatch(read(name), forbidden, name);
});

test("all requests go through one function", () => {
  const asking = OWN.filter((name) => /\bfetch\(|XMLHttpRequest|sendBeacon/.test(read(name)));
  assert.deepEqual(asking, ["api.js"]);
});

test("what is embedded in the program is all there is", () => {
  const listed = readFileSync(join(WEB, "../src/dashboard/assets.rs"), "utf8").split("files![")[1].split("];")[0];
  const embedded = [...listed.matchAll(/"([^"]+)"/g)].map(([, name]) => name);
  const leftOut = ["package.json", "README.md", "SHA256SUMS"];
  assert.deepEqual(embedded.sort(), FILES.filter((name) => !leftOut.some((end) => name.endsWith(end))).sort());
});

test("modules import files that are there, and the page loads all of them ahead", () => {
  const statics = new Set();
  const visit = (name) => {
    if (statics.has(name)) return;
    statics.add(name);
    for (const [, path] of read(name).matchAll(/(?:^import|^export|\})\s*(?:[^"';]*from\s*)?"(\.[^"]+)"/gm)) {
      const target = normalize(join(dirname(name), path));
      assert.ok(FILES.includes(target), `${name} imports ${target}`);
      visit(target);
    }
  };
  visit("main.js");
  const preloaded = [...read("index.html").matchAll(/rel="modulepreload" href="web\/([^"]+)"/g)].map(([, name]) => name);
  statics.delete("main.js");
  assert.deepEqual(preloaded.sort(), [...statics].sort());
  const loaded = [...read("index.html").matchAll(/(?:href|src)="web\/([^"]+)"/g)].map(([, name]) => name);
  for (const name of loaded) assert.ok(FILES.includes(name), name);
  const needless = OWN.filter((name) => name !== "index.html" && !statics.has(name) && !loaded.includes(name));
  assert.deepEqual(needless, [], "nobody loads these");
});
