// Events: a short list beside the table, a table of its own, and those of one semaphore or peer.

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { repeat } from "../vendor/lit-html/directives/repeat.js";
import { KINDS, select } from "../model/events.js";
import { deedText } from "../operate/record.js";
import { count, elapsed, many, timeOfDay } from "../text/format.js";
import { below, peerLink, semaphoreLink, shown } from "./name.js";

/** So many rows are shown before somebody asks for more. */
const FIRST_ROWS = 200;

/** Newest first, a line each: for the side of the overview. */
export function shortLog(events, most) {
  if (events.list.length === 0) return html`<p class="quiet">Nothing has happened yet.</p>`;
  return html`<ol class="log">${repeat(events.list.slice(0, most), ({ n }) => n, (event) => html`<li>
    <time>${timeOfDay(event.at_ms)}</time> ${kind(event.kind)}
    <span class="what">${event.by === undefined ? of(event) : html`${of(event)} ${deedText(event)} ${by(event)}`}</span>
  </li>`)}</ol>`;
}

/** As a table, without the column of what is the same in all of them. */
export function logTable(list, { caption, without = null }) {
  return html`<table class="events">
    <caption class="unseen">${caption}</caption>
    <thead><tr>
      <th scope="col">Time</th><th scope="col">Event</th>
      ${without === "peer" ? nothing : html`<th scope="col">Peer</th>`}
      ${without === "semaphore" ? nothing : html`<th scope="col" class=${without === null ? "wide" : ""}>Semaphore</th>`}
      <th scope="col" class="number">Count</th><th scope="col" class="number wide">Waited</th><th scope="col" class="number wide">Fence</th>
    </tr></thead>
    <tbody>${repeat(list, ({ n }) => n, (event) => html`<tr class=${event.by === undefined ? "" : "done"}>
      <td class="time"><time>${timeOfDay(event.at_ms)}</time></td>
      <td>${kind(event.kind)}</td>
      ${without === "peer" ? nothing : html`<td class="name">${who(event)}${without === null && event.semaphore !== undefined ? below([semaphoreLink(event.semaphore)]) : nothing}</td>`}
      ${without === "semaphore" ? nothing : html`<td class="name ${without === null ? "wide" : ""}">${event.semaphore === undefined ? nothing : semaphoreLink(event.semaphore)}</td>`}
      <td class="number">${event.count === undefined ? nothing : count(event.count)}</td>
      <td class="number wide">${event.waited_ms === undefined ? nothing : elapsed(event.waited_ms)}</td>
      <td class="number wide fence">${event.fence ?? nothing}</td>
    </tr>${event.by === undefined ? nothing : html`<tr class="deed"><td></td><td colspan=${without === null ? 6 : 5}>${deed(event)}</td></tr>`}`)}</tbody>
  </table>`;
}

/** The view with all of them. `go` changes the address, `toggle` a list in it. */
export function eventsView({ model, address, go, toggle, shownRows, showMore }) {
  const found = select(model.events.list, address);
  const most = shownRows ?? FIRST_ROWS;
  const kinds = [...KINDS.keys()].filter((it) => model.events.list.some((event) => event.kind === it) || address.kinds.includes(it));
  return html`
    <h1 class="unseen">Events</h1>
    <div class="tools">
      <input type="search" id="search" aria-label="Search events" placeholder="Peer or semaphore" autocomplete="off" spellcheck="false"
        .value=${address.text} @input=${(input) => go({ text: input.target.value })}>
      <div class="chips" role="group" aria-label="Kinds of events">${kinds.map((it) => html`
        <button type="button" class="chip" aria-pressed=${address.kinds.includes(it)} @click=${() => toggle("kinds", it)}>${KINDS.get(it).word}</button>`)}
      </div>
      <p class="found">${many(found.length, "event")}${model.events.lost > 0 ? html`, ${count(model.events.lost)} left out` : nothing}</p>
    </div>
    ${found.length === 0
      ? html`<p class="quiet">${model.events.list.length === 0 ? "Nothing has happened since the page was opened." : "No event is like that."}</p>`
      : logTable(found.slice(0, most), { caption: "Events, newest first" })}
    ${found.length > most ? html`<p><button type="button" class="plain" @click=${showMore}>Show all ${count(found.length)}</button></p>` : nothing}`;
}

function kind(name) {
  const { word, sign } = KINDS.get(name) ?? { word: name, sign: "·" };
  return html`<span class="kind ${word === "expired" || word === "revoked" ? "bad" : ""}"><span class="sign" aria-hidden="true">${sign}</span>${shown(word)}</span>`;
}

/** What an operator did: what was and is, who, and why. */
function deed(event) {
  const text = deedText(event);
  return html`${text === "" ? nothing : `${text} `}${by(event)}`;
}

function by({ by: who, why }) {
  return html`<span class="by">by</span> ${shown(who)}${why === undefined ? nothing : html`<span class="by">:</span> <q>${shown(why)}</q>`}`;
}

function of(event) {
  const { semaphore, peer } = event;
  if (semaphore === undefined) return who(event);
  return html`${who(event)}${peer === undefined ? nothing : html` <span class="on">on</span> `}${semaphoreLink(semaphore)}`;
}

function who({ peer, label }) {
  return peer === undefined ? nothing : peerLink(peer, label);
}
