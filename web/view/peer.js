// One peer: what it holds and waits for, where it comes from, and how long it lives.

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { repeat } from "../vendor/lit-html/directives/repeat.js";
import { select } from "../model/events.js";
import { count, duration, slots } from "../text/format.js";
import { control, controls, revokeControl } from "./control.js";
import { logTable } from "./log.js";
import { below, numbering, semaphoreLink, shown, wants } from "./name.js";
import { figure } from "./overview.js";

const EVENTS = 50;

/** `details` are those of the inspector, the last ones when the peer is gone. */
export function peerView({ model, peer, now, details, error, back, act }) {
  const gone = error?.code === "unknown_peer";
  const events = select(model.events.list, { peer });
  const label = details?.label ?? events.find((event) => event.label !== undefined)?.label;
  return html`<header class="head">
      <a class="back" href=${back}>← Semaphores</a>
      <h1>${shown(label ?? peer)}</h1>
      ${label === undefined ? nothing : html`<span class="id">peer ${shown(peer)}</span>`}
      ${gone ? html`<span class="badge over">✕ gone</span>` : details === null ? nothing : controls(act, control(act, "revoke", { peer, label }, { word: "Revoke peer" }))}
    </header>
    ${gone ? html`<p class="quiet">The server does not know this peer: it has expired, or was closed.${details === null ? "" : " This is what was known of it last."}</p>` : nothing}
    ${details === null ? gone ? nothing : html`<p class="quiet">…</p>` : html`<div class=${gone ? "departed" : ""}>${known(details, model.semaphores, now, gone ? null : act)}</div>`}
    ${events.length === 0 ? nothing : html`<section class="card" aria-labelledby="events">
      <h2 id="events">Recent events</h2>
      ${logTable(events.slice(0, EVENTS), { caption: "Recent events of this peer", without: "peer" })}
    </section>`}`;
}

function known(details, semaphores, now, act) {
  const { transport, remote, locks, waiting } = details;
  const numbered = locks.some((it) => it.slots !== undefined);
  return html`<dl class="figures">
      ${figure("Comes over", transport === "websocket" ? "WebSocket" : transport === "rest" ? "REST" : shown(String(transport ?? "–")), "rate")}
      ${figure("From", remote === undefined ? "–" : shown(remote), "rate")}
      ${figure("Time to live", details.expires_in_ms === undefined ? "–" : duration(details.expires_in_ms))}
      ${figure("Expires in", untilText(details.expires_ms, now))}
      ${details.revoked_ms === undefined ? nothing : figure("Revoked in", untilText(details.revoked_ms, now))}
      ${figure("Holds", count(locks.length))}
      ${figure("Waits", waiting === undefined ? "–" : duration(now - waiting.since_ms))}
    </dl>
    <div class="halves">
      <section class="card" aria-labelledby="locks">
        <h2 id="locks">Holds</h2>
        ${locks.length === 0 ? html`<p class="quiet">Nothing.</p>` : html`<table>
          <caption class="unseen">Locks</caption>
          <thead><tr><th scope="col">Semaphore</th><th scope="col" class="number">Count</th>
            ${numbered ? html`<th scope="col" class="wide">Slots</th>` : nothing}<th scope="col" class="number">Held for</th>
            <th scope="col" class="number wide">Fence</th>${act === null ? nothing : html`<th scope="col"><span class="unseen">Action</span></th>`}</tr></thead>
          <tbody>${repeat(locks, ({ fence }) => fence, (it) => html`<tr>
            <th scope="row" class="name">${semaphoreLink(it.semaphore)}${below([numbering(it), html`fence ${it.fence}`])}</th>
            <td class="number">${count(it.count)}</td>
            ${numbered ? html`<td class="wide slots">${slots(it.slots ?? [])}</td>` : nothing}
            <td class="number">${duration(now - it.since_ms)}</td>
            <td class="number wide fence">${it.fence}</td>
            ${act === null ? nothing : html`<td class="act">${revokeControl(act, { name: it.semaphore, bucket: semaphores.get(it.semaphore)?.bucket !== undefined, peer: details.peer, label: details.label, lock: it })}</td>`}
          </tr>`)}</tbody>
        </table>`}
      </section>
      <section class="card" aria-labelledby="waits">
        <h2 id="waits">Waits for</h2>
        ${waiting === undefined ? html`<p class="quiet">Nothing.</p>` : html`<dl class="list">
          <div><dt>Wants</dt><dd>${wants(waiting.want)}</dd></div>
          <div><dt>Position</dt><dd>${count(waiting.position)}</dd></div>
          <div><dt>Priority</dt><dd>${waiting.priority}</dd></div>
          <div><dt>Since</dt><dd>${duration(now - waiting.since_ms)}</dd></div>
          <div><dt>Gives up in</dt><dd>${waiting.until_ms === undefined ? "never" : duration(waiting.until_ms - now)}</dd></div>
        </dl>`}
      </section>
    </div>`;
}

/** When it expires; a connection keeps it from that. */
export function untilText(expiresMs, now) {
  if (expiresMs === undefined) return html`<span class="none" title="Its connection keeps it alive">connected</span>`;
  return duration(expiresMs - now);
}

/** Where a peer comes from, shortly. */
export function origin({ transport, remote }) {
  const over = transport === "websocket" ? "ws" : transport === "rest" ? "REST" : transport;
  return html`<span class="none">${over}</span> ${remote === undefined ? nothing : shown(remote)}`;
}
