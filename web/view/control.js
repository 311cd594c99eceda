// The buttons with which an operator begins to do something. `act` is `{ open, off, denied }`: what opens a form, why none
// can be opened (`null`: one can), and what of that is for good. What is off stays where it is and can be reached, to say why.

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { DEEDS, lockWord } from "../operate/deeds.js";
import { plain } from "../text/visible.js";

/** `word` is on it, `label` is what is read aloud where the word alone does not say it. */
export function control(act, deed, subject, { word = DEEDS.get(deed).word, label = null, small = false } = {}) {
  const open = () => act.off === null && act.open(deed, subject);
  return html`<button type="button" class="control ${small ? "small" : ""}" aria-haspopup="dialog"
    aria-label=${label === null ? nothing : plain(label)} title=${act.off ?? (label === null ? nothing : plain(label))}
    aria-disabled=${act.off === null ? nothing : "true"} aria-describedby=${act.off === null ? nothing : "off"} @click=${open}>${word}</button>`;
}

/** Several of them, with the reason when they are off for good. One that passes has its place at the edge of the page,
 * where it pushes nothing away (`passing`). */
export function controls(act, buttons) {
  return html`<div class="controls" role="group" aria-label="Actions">
    ${buttons}${act.denied === null ? nothing : html`<span class="off" id=${act.off === act.denied ? "off" : nothing}>${act.denied}</span>`}
  </div>`;
}

/** Why all of them are off for a while. */
export function passing({ off, denied }) {
  return off === null || off === denied ? nothing : html`<p class="notice off" id="off">${off}</p>`;
}

/** Of a holder's row. Where there is little room, a sign stands for the word. */
export function revokeControl(act, { name, bucket, peer, label, lock }) {
  // In each row, what is off for good would be nothing but noise.
  if (act.denied !== null) return nothing;
  const word = html`<span class="long">Revoke</span><span class="short" aria-hidden="true">✕</span>`;
  return control(act, "revoke", { name, bucket, peer, label, lock }, { word, label: `Revoke the ${lockWord({ bucket })} of ${label ?? peer} on ${name}`, small: true });
}
