// The table of semaphores and buckets. Only the rows on the screen are in the document; a screen reader is told how many there are.

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { repeat } from "../vendor/lit-html/directives/repeat.js";
import { compact, count, duration, refillRate } from "../text/format.js";
import { badges, figures, meter } from "./meter.js";
import { kindOf, semaphoreLink } from "./name.js";
import { spark } from "./spark.js";
import { visible } from "./window.js";

const COLUMNS = [
  { key: "name", word: "Semaphore", first: "ascending" },
  { key: null, word: "State" },
  { key: "use", word: "Use", first: "descending" },
  { key: "held", word: "Used / max", first: "descending" },
  { key: "waiting", word: "Waiting", first: "descending" },
  { key: "wait", word: "Longest wait", first: "descending" },
  { key: "level", word: "Level or rate", first: "descending" },
  { key: null, word: "Last 15 min", id: "past" },
];

// Measured when there is something to measure.
let rowHeight = 36;

/** `rows` as `[name, semaphore]`; `now` by the server's clock; `sortBy` is called with a key. */
export function semaphoreTable({ rows, address, history, now, sortBy }) {
  const { from, to, before, after } = visible({ rows: rows.length, rowHeight, ...place() });
  return html`<table class="semaphores" aria-rowcount=${rows.length + 1}>
    <caption class="unseen">Semaphores</caption>
    <thead><tr aria-rowindex="1">${COLUMNS.map((column) => heading(column, address, sortBy))}</tr></thead>
    <tbody>
      ${gap(before)}
      ${repeat(rows.slice(from, to), ([name]) => name, ([name, semaphore], index) =>
        row(name, semaphore, from + index, history.lines.get(name), now))}
      ${gap(after)}
    </tbody>
  </table>`;
}

/** After rendering: whether rows turned out to be of another height, so that it has to be done again. */
export function measure() {
  const height = document.querySelector("table.semaphores tr.row")?.getBoundingClientRect().height;
  if (!height || Math.abs(height - rowHeight) < 0.05) return false;
  rowHeight = height;
  return true;
}

/** Brings the row with that index onto the screen. */
export function reveal(index) {
  const body = document.querySelector("table.semaphores tbody");
  if (body === null) return;
  // The headings stick to the top: their cells do, not what surrounds them.
  const heads = document.querySelector("table.semaphores thead th").getBoundingClientRect().bottom;
  const top = body.getBoundingClientRect().top + index * rowHeight;
  if (top < heads) window.scrollBy(0, top - heads);
  const below = top + rowHeight + 8 - window.innerHeight;
  if (below > 0) window.scrollBy(0, below);
}

function row(name, semaphore, index, line, now) {
  const { waiters, waiting_since_ms: since, level, bucket } = semaphore;
  const state = badges(semaphore, now);
  const use = meter(semaphore, now);
  return html`<tr class="row" aria-rowindex=${index + 2}>
    <th scope="row" class="name"><span class="called">${semaphoreLink(name)}${kindOf(semaphore)}</span><span class="below">${use} ${state}</span></th>
    <td class="state">${state}</td>
    <td class="use">${use}</td>
    <td class="held">${figures(semaphore, now)}</td>
    <td class="waiting ${waiters === 0 ? "none" : ""}">${count(waiters)}</td>
    <td class="wait">${since === undefined ? nothing : duration(now - since)}</td>
    ${bucket === undefined ? html`<td class="level ${level === 0 ? "none" : ""}">${level}</td>` : html`<td class="level">${refillRate(bucket, compact)}</td>`}
    <td class="past">${spark(line, semaphore)}</td>
  </tr>`;
}

function heading({ key, word, first, id }, { sort, reverse }, sortBy) {
  const name = key ?? id ?? "state";
  if (key === null) return html`<th scope="col" class=${name}>${word}</th>`;
  const other = first === "ascending" ? "descending" : "ascending";
  const direction = sort === key ? (reverse ? other : first) : null;
  const sign = direction === null ? "" : direction === "ascending" ? "▲" : "▼";
  return html`<th scope="col" class=${name} aria-sort=${direction ?? nothing}>
    <button type="button" class="sort" @click=${() => sortBy(key)}>${word}<span class="sign" aria-hidden="true">${sign}</span></button>
  </th>`;
}

function gap(height) {
  return html`<tr class="gap" aria-hidden="true" ?hidden=${height === 0}><td .height=${String(height)}></td></tr>`;
}

/** Where the table is on the screen. Before it is there, as if it began at the top. */
function place() {
  const body = document.querySelector("table.semaphores tbody");
  return { above: -(body?.getBoundingClientRect().top ?? 0), height: window.innerHeight };
}
