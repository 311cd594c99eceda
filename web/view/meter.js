// How much of a semaphore is held, or of a bucket spent: a bar with the figures beside it, and the words for what is out
// of the ordinary. `now` is the server's clock.

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { closedFor, hasTokens, spent, used } from "../model/bucket.js";
import { isFull, over } from "../model/rows.js";
import { differing } from "../operate/record.js";
import { compact, count, left, many } from "../text/format.js";

/** The bar, or the keys of a pattern: there is no bar for many that have a max each. */
export function meter(semaphore, now) {
  return semaphore.keys === undefined ? bar(semaphore, now) : keys(semaphore);
}

/** The bar is for the eye only: the figures say the same. */
export function bar(semaphore, now) {
  const { max } = semaphore;
  const part = used(semaphore, now);
  const more = over(semaphore);
  const blocked = Math.min(semaphore.delayed ?? 0, Math.max(0, max - part));
  const share = (of) => ((100 * of) / (max + more)).toFixed(2);
  return html`<svg class="bar" aria-hidden="true" viewBox="0 0 100 1" preserveAspectRatio="none">
    <rect class="track" width="100" height="1"></rect>
    <rect class="held" width=${share(Math.min(part, max))} height="1"></rect>
    <rect class="blocked" x=${share(Math.min(part, max))} width=${share(blocked)} height="1"></rect>
    <rect class="over" x=${share(max)} width=${share(more)} height="1"></rect>
  </svg>`;
}

/** "12 keys × 4" */
function keys({ keys: number, max, bucket }) {
  const each = max > 0 ? ` × ${compact(max)}` : "";
  const title = `${many(number, bucket === undefined ? "semaphore" : "bucket")} of this kind${max > 0 ? `, each with a ${bucket === undefined ? "max" : "capacity"} of ${count(max)}` : ""}`;
  return html`<span class="keys" title=${title}>${many(number, "key")}${each}</span>`;
}

/** "7 / 10", with the slashes of a column below each other. A pattern has no whole. */
export function figures(semaphore, now) {
  const { max } = semaphore;
  const part = used(semaphore, now);
  const alone = semaphore.keys !== undefined;
  const title = alone ? `${count(part)} held of all keys` : `${count(part)} of ${count(max)}${hasTokens(semaphore) ? " tokens spent" : ""}`;
  return html`<span class="ratio" title=${title}><span class="part">${compact(part)}</span
    ><span class="slash">${alone ? "" : "/"}</span><span class="whole">${alone ? "" : compact(max)}</span></span>`;
}

/** `words` has room for a whole sentence. */
export function badges(semaphore, now, words = false) {
  const differs = differing(semaphore);
  return html`${semaphore.paused === true ? html`<span class="badge paused">‖ paused</span>` : nothing}${
    closedFor(semaphore, now) > 0 ? closed(semaphore, now) : nothing}${
    fullness(semaphore, now)}${
    semaphore.delayed > 0 ? html`<span class="badge blocked" title=${BLOCKED}>◔ ${compact(semaphore.delayed)} blocked</span>` : nothing}${
    semaphore.bucket?.reserved > 0 ? html`<span class="badge reserved" title="Tokens that are waited for, or promised already">${compact(semaphore.bucket.reserved)} reserved</span>` : nothing}${
    differs === null ? nothing : html`<span class="badge differs" title=${differs.long}><span aria-hidden="true">≠</span> ${words ? differs.long : differs.short}</span>`}`;
}

const BLOCKED = "The peer that held it has expired, and its program may still be at work: nobody gets it yet";

function closed(semaphore, now) {
  return html`<span class="badge closed" title="What is behind it has refused somebody: nothing is given for that long">⊘ closed for ${left(closedFor(semaphore, now))}</span>`;
}

function fullness(semaphore, now) {
  const more = over(semaphore);
  if (more > 0) return html`<span class="badge over" title="More is held than there is, after a restore or a resize">▲ ${compact(more)} over</span>`;
  if (semaphore.paused === true || !isFull(semaphore, now)) return nothing;
  if (!hasTokens(semaphore)) return html`<span class="badge">full</span>`;
  const debt = spent(semaphore, now) - semaphore.max;
  return html`<span class="badge" title=${debt > 0 ? `${many(debt, "token")} more used than there were` : "Who comes now has to wait"}>no tokens</span>`;
}
