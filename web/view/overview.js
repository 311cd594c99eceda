// The first view: how the server is, all semaphores, and beside them what has just happened.

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { format } from "../model/address.js";
import { FILTERS, longestWait, tally } from "../model/rows.js";
import { count, duration, many, rate } from "../text/format.js";
import { control, controls } from "./control.js";
import { shortLog } from "./log.js";
import { semaphoreLink, shown } from "./name.js";
import { semaphoreTable } from "./table.js";

/** Lines of the log beside the table. */
const RECENT = 40;

/** `rows` are those that the address asks for; `go` changes the address, `toggle` a list in it. */
export function overview({ model, address, now, rows, go, toggle, sortBy, act }) {
  if (!model.known) return html`<h1 class="unseen">Semaphores</h1><p class="quiet">Waiting for the server.</p>`;
  return html`
    <h1 class="unseen">Semaphores</h1>
    ${serverFigures(model, now)}
    ${removed(model.server.removed)}
    ${model.semaphores.size === 0 ? emptyServer(act) : html`<div class="split">
      <section aria-label="Semaphores">
        ${tools({ model, address, now, rows, go, toggle, act })}
        ${rows.length === 0
          ? html`<p class="quiet">No semaphore is like that. <a href=${format({ view: "semaphores" })}>Show all</a></p>`
          : semaphoreTable({ rows, address, history: model.history, now, sortBy })}
      </section>
      <aside aria-label="Recent events">
        <h2><a href=${format({ view: "events" })}>Recent events</a></h2>
        ${shortLog(model.events, RECENT)}
      </aside>
    </div>`}`;
}

function serverFigures(model, now) {
  const { server, semaphores, rates } = model;
  const longest = longestWait(semaphores);
  let waiters = 0;
  for (const semaphore of semaphores.values()) waiters += semaphore.waiters;
  return html`<dl class="figures">
    ${figure("Health", server.ready === false
      ? html`<span class="bad"><span aria-hidden="true">◐</span> Recovering</span>`
      : html`<span class="good"><span aria-hidden="true">●</span> Ready</span>`, "health")}
    ${figure("Uptime", duration(now - server.started_ms))}
    ${figure("Sessions", count(server.sessions))}
    ${figure("Peers", count(server.peers))}
    ${figure("Waiting", count(waiters))}
    ${figure("Grants / s", rate(rates.grants))}
    ${figure("Expired", count(server.expirations))}
    ${figure("Longest wait", longest === null ? "–" : html`${duration(now - longest.since)}
      <small>${semaphoreLink(longest.name)}</small>`, "longest")}
  </dl>`;
}

/** One figure of many. */
export function figure(word, value, name = "") {
  return html`<div class=${name}><dt>${word}</dt><dd>${value}</dd></div>`;
}

function tools({ model, address, now, rows, go, toggle, act }) {
  const counts = tally(model.semaphores, now);
  const { only, text } = address;
  const offered = FILTERS.filter(({ key, buckets }) => !buckets || counts.buckets > 0 || only.includes(key));
  return html`<div class="tools">
    <input type="search" id="search" aria-label="Search semaphores" placeholder="Search" autocomplete="off" spellcheck="false"
      aria-keyshortcuts="/" .value=${text} @input=${(input) => go({ text: input.target.value })}>
    <div class="chips" role="group" aria-label="Show only">${offered.map(({ key, word }) => html`
      <button type="button" class="chip" aria-pressed=${only.includes(key)} @click=${() => toggle("only", key)}>${word}
        <span class="tally">${count(counts[key])}</span></button>`)}
    </div>
    <p class="found" role="status">${found(rows.length, model.semaphores.size, counts.buckets)}</p>
    ${serverControls(act)}
  </div>`;
}

/** "30 semaphores", or how many of them; buckets are names, too. */
function found(shownRows, all, buckets) {
  const whole = many(all, buckets === 0 ? "semaphore" : buckets === all ? "bucket" : "name");
  return shownRows === all ? whole : `${count(shownRows)} of ${whole}`;
}

/** What the configuration file has, and an operator has removed. */
function removed(names = []) {
  if (names.length === 0) return nothing;
  return html`<p class="quiet">In the file, but removed here: ${names.map((name, at) => html`${at === 0 ? nothing : ", "}${shown(name)}`)}</p>`;
}

function serverControls(act) {
  return controls(act, [control(act, "create", {}, { label: "Create a semaphore" }), control(act, "reload", {}, { label: "Reload the configuration" })]);
}

function emptyServer(act) {
  return html`<section class="empty">
    <h2>No semaphores yet</h2>
    <p>A semaphore is a name for something of which there is only so much, a bucket for something that may be used only so
      often. Write those that you need into the server’s configuration:</p>
    <pre tabindex="0" aria-label="Example of a configuration">[semaphores]
A = 1                          # a mutex: one at a time
database = 10                  # at most 10 at once
gpu = { max = 4, level = 1 }   # with a place in the lock hierarchy

[buckets]
api = { capacity = 10, refill = 10, every = "1m" }   # 10 calls a minute</pre>
    <p>Check the file with <code>throttle check -c throttle.toml</code>, then start the server with it:
      <code>throttle -c throttle.toml</code>. This page notices by itself.</p>
    <p>Or make one now, which lasts until the server ends, or let the server read its file again:</p>
    ${serverControls(act)}
  </section>`;
}

