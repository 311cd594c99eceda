// How much of a semaphore is held: a bar with the figures beside it, and the words for what is out of the ordinary.

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { isFull, over } from "../model/rows.js";
import { differing } from "../operate/record.js";
import { compact, count } from "../text/format.js";

/** The bar is for the eye only: the figures say the same. */
export function bar(semaphore) {
  const { held, max } = semaphore;
  const whole = Math.max(held, max);
  const share = (part) => ((100 * part) / whole).toFixed(2);
  return html`<svg class="bar" aria-hidden="true" viewBox="0 0 100 1" preserveAspectRatio="none">
    <rect class="track" width="100" height="1"></rect>
    <rect class="held" width=${share(Math.min(held, max))} height="1"></rect>
    <rect class="over" x=${share(max)} width=${share(over(semaphore))} height="1"></rect>
  </svg>`;
}

/** "7 / 10", with the slashes of a column below each other. */
export function figures({ held, max }) {
  return html`<span class="ratio" title="${count(held)} of ${count(max)}"><span class="part">${compact(held)}</span
    ><span class="slash">/</span><span class="whole">${compact(max)}</span></span>`;
}

/** `words` has room for a whole sentence. */
export function badges(semaphore, words = false) {
  const more = over(semaphore);
  const differs = differing(semaphore);
  return html`${semaphore.paused === true ? html`<span class="badge paused">‖ paused</span>` : nothing}${
    more > 0 ? html`<span class="badge over" title="More is held than there is, after a restore or a resize">▲ ${compact(more)} over</span>`
      : isFull(semaphore) && semaphore.paused !== true ? html`<span class="badge">full</span>` : nothing}${
    differs === null ? nothing : html`<span class="badge differs" title=${differs.long}><span aria-hidden="true">≠</span> ${words ? differs.long : differs.short}</span>`}`;
}
