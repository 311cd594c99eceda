// One semaphore or bucket: how much is held and waited for, over time; who holds it; and who is next.

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { repeat } from "../vendor/lit-html/directives/repeat.js";
import { select } from "../model/events.js";
import { closedFor, hasTokens, spent } from "../model/bucket.js";
import { count, duration, left, many, slots, span, timeOfDay } from "../text/format.js";
import { control, controls, revokeControl } from "./control.js";
import { origin, untilText } from "./peer.js";
import { DECLARED, facts } from "./facts.js";
import { logTable } from "./log.js";
import { badges } from "./meter.js";
import { below, kindOf, numbering, peerLink, shown, wants } from "./name.js";

const EVENTS = 50;

/** `details` are those of the inspector; `back` is where the overview was left; `more` asks for longer lists. */
export function semaphoreView({ model, name, now, details, error, back, more, act }) {
  const semaphore = model.semaphores.get(name);
  const head = html`<header class="head">
    <a class="back" href=${back}>← Semaphores</a>
    <h1>${shown(name)}</h1>
    ${semaphore === undefined ? nothing : html`${kindOf(semaphore)} ${badges(semaphore, now, true)} ${details === null ? nothing : manners(details)} ${semaphoreControls(act, name, semaphore, now)}`}
  </header>`;
  if (semaphore === undefined) {
    const why = model.known ? "There is no such semaphore." : "Waiting for the server.";
    return html`${head}<p class="quiet">${error?.code === "unknown_semaphore" ? "There is no such semaphore." : why}</p>
      ${happened(select(model.events.list, { semaphore: name }))}`;
  }
  return html`${head}
    ${facts(name, semaphore, now)}
    <section class="card" aria-label="The last 15 minutes">
      <div class="chart" id="chart" role="img" aria-label=${chartText(semaphore, now)}></div>
    </section>
    ${semaphore.keys !== undefined && !listed(details) ? nothing : lists(semaphore, details, now, more, act)}
    ${happened(select(model.events.list, { semaphore: name }))}`;
}

function semaphoreControls(act, name, semaphore, now) {
  const { max, level, paused, bucket } = semaphore;
  const subject = { name, bucket: bucket !== undefined, was: { max, level } };
  // Resuming also opens what a client has closed.
  const closed = paused !== true && closedFor(semaphore, now) > 0;
  const whole = [...(closed ? ["resume"] : []), paused === true ? "resume" : "pause", "free"];
  // What clients have declared is nothing that an operator has set up.
  const deeds = name === DECLARED ? whole : ["change", ...whole, "delete"];
  return controls(act, deeds.map((deed) => control(act, deed, subject)));
}

/** What the chart calls what is held, and whether it has a line for the max: permits and locks on all keys know none. */
export function chartLines({ max, bucket, keys }) {
  return { held: bucket === undefined ? "Held" : "Permits in use", max: bucket === undefined && keys === undefined ? max : null };
}

function chartText(semaphore, now) {
  const { held, max, pending, bucket, keys } = semaphore;
  const waited = `${count(pending)} waited for`;
  if (bucket !== undefined) {
    const tokens = hasTokens(semaphore) ? ` ${count(spent(semaphore, now))} of ${many(max, "token")} spent,` : "";
    return `Permits in use and tokens waited for over the last 15 minutes. Now${tokens} ${many(held, "token")} of permits in use, and ${waited}.`;
  }
  return `Held and waiting over the last 15 minutes. Now ${many(held, "is", "are")} held${keys === undefined ? ` of ${count(max)}` : ""}, and ${waited}.`;
}

/** Empty lists of a pattern say nothing: it is its keys that somebody holds and waits for. */
function listed(details) {
  return details?.holders?.length > 0 || details?.queue?.length > 0;
}

function lists(semaphore, details, now, more, act) {
  const bucket = semaphore.bucket !== undefined;
  return html`<div class="halves holding">
    <section class="card" aria-labelledby="holders">
      <h2 id="holders">Holders <span class="tally">${count(semaphore.holders ?? details?.holder_count ?? 0)}</span></h2>
      ${details === null ? html`<p class="quiet">…</p>` : html`${blocked(details, now)}${holders(details, bucket, now, more, act)}`}
    </section>
    <section class="card" aria-labelledby="queue">
      <h2 id="queue">Queue <span class="tally">${count(semaphore.waiters)}</span></h2>
      ${details === null ? html`<p class="quiet">…</p>` : queue(details, now, more)}
    </section>
  </div>`;
}

function happened(events) {
  if (events.length === 0) return nothing;
  return html`<section class="card" aria-labelledby="events">
    <h2 id="events">Recent events</h2>
    ${logTable(events.slice(0, EVENTS), { caption: "Recent events of this semaphore", without: "semaphore" })}
  </section>`;
}

/** What the configuration says of it besides, in its words. */
function manners({ max_pending: most, max_hold_ms: hold, lock_delay_ms: delay, slots: numbered, bucket = {} }) {
  const said = [
    most === undefined ? null : `max_pending ${count(most)}`, hold === undefined ? null : `max_hold ${span(hold)}`,
    delay === undefined ? null : `lock_delay ${span(delay)}`, numbered === true ? "slots" : null,
    bucket.max_reserved === undefined ? null : `max_reserved ${count(bucket.max_reserved)}`,
    bucket.slop_ms === undefined ? null : `slop ${span(bucket.slop_ms)}`,
  ].filter((it) => it !== null);
  return said.length === 0 ? nothing : html`<span class="id manners">${said.join(" · ")}</span>`;
}

/** Why it is not to be had although nobody holds all of it. The server tells as many ends as it does holders. */
function blocked({ delayed = 0, blocked: list = [] }, now) {
  if (delayed === 0) return nothing;
  const numbers = list.flatMap((it) => it.slots ?? []).sort((a, b) => a - b);
  const [what, them] = numbers.length === 0 ? ["it", "it"] : [`slots ${slots(numbers)}`, "them"];
  return html`<p class="blocking"><strong>${count(delayed)} blocked</strong> after an expiry${until(delayed, list, now)}. The program
    that held ${what} may still be at work: nobody gets ${them} before.</p>`;
}

function until(delayed, list, now) {
  if (list.length === 0) return "";
  const ends = list.map((it) => it.until_ms);
  const [first, last] = [Math.min(...ends), Math.max(...ends)];
  const told = list.reduce((sum, it) => sum + it.count, 0);
  const begin = first === last ? "" : `the first of it for ${left(first - now)}, the last `;
  return `, until ${timeOfDay(last)}${told < delayed ? " or later" : ""} (${begin}for ${left(last - now)})`;
}

function holders({ name, holders: list, holder_count: all }, bucket, now, more, act) {
  if (list.length === 0) return html`<p class="quiet">${bucket ? "Nobody has a permit in use." : "Nobody holds it."}</p>`;
  const numbered = list.some((it) => it.slots !== undefined);
  return html`<table>
    <caption class="unseen">Holders</caption>
    <thead><tr><th scope="col">Peer</th><th scope="col" class="number">Count</th>
      ${numbered ? html`<th scope="col" class="wide">Slots</th>` : nothing}<th scope="col" class="number">Held for</th>
      <th scope="col" class="number">Expires in</th><th scope="col" class="wide from">From</th><th scope="col" class="number wide">Fence</th>
      <th scope="col"><span class="unseen">Action</span></th></tr></thead>
    <tbody>${repeat(list, ({ fence }) => fence, (it) => html`<tr>
      <th scope="row" class="name">${peerLink(it.peer, it.label)}${below([numbering(it)])}</th>
      <td class="number">${count(it.count)}</td>
      ${numbered ? html`<td class="wide slots">${slots(it.slots ?? [])}</td>` : nothing}
      <td class="number">${duration(now - it.since_ms)}</td>
      <td class="number">${it.revoked_ms === undefined ? untilText(it.expires_ms, now) : revoked(it.revoked_ms, now)}</td>
      <td class="wide from">${origin(it)}</td>
      <td class="number wide fence">${it.fence}</td>
      <td class="act">${revokeControl(act, { name, bucket, peer: it.peer, label: it.label, lock: { count: it.count, since_ms: it.since_ms } })}</td>
    </tr>`)}</tbody>
  </table>${rest(list.length, all ?? list.length, more)}`;
}

/** An operator takes the lock away, after a grace. */
function revoked(atMs, now) {
  return html`<span class="revoked"><span><span aria-hidden="true">✕</span> revoked in</span> <span>${duration(atMs - now)}</span></span>`;
}

function queue({ queue: list, waiters }, now, more) {
  if (list.length === 0) return html`<p class="quiet">Nobody waits.</p>`;
  const ranked = list.some((it) => it.priority !== 0);
  return html`<table>
    <caption class="unseen">Queue, the next one first</caption>
    <thead><tr><th scope="col" class="number">#</th><th scope="col">Peer</th><th scope="col">Wants</th>
      <th scope="col" class="number">Waits for</th><th scope="col" class="number wide">Gives up in</th>
      ${ranked ? html`<th scope="col" class="number wide">Priority</th>` : nothing}</tr></thead>
    <tbody>${list.map((it) => html`<tr>
      <td class="number">${count(it.position)}</td>
      <th scope="row" class="name">${peerLink(it.peer, it.label)}${below([
        it.until_ms === undefined ? null : `gives up in ${duration(it.until_ms - now)}`, it.priority === 0 ? null : `priority ${it.priority}`])}</th>
      <td class="name">${wants(it.want)}</td>
      <td class="number">${duration(now - it.since_ms)}</td>
      <td class="number wide">${it.until_ms === undefined ? html`<span class="none">never</span>` : duration(it.until_ms - now)}</td>
      ${ranked ? html`<td class="number wide">${it.priority}</td>` : nothing}
    </tr>`)}</tbody>
  </table>${rest(list.length, waiters, more)}`;
}

function rest(shownCount, all, more) {
  if (shownCount >= all) return nothing;
  const text = `The first ${count(shownCount)} of ${count(all)}.`;
  return html`<p class="quiet">${text} ${shownCount < 1000 ? html`<button type="button" class="plain" @click=${more}>Show more</button>` : nothing}</p>`;
}
