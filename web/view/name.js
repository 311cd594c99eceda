// Names and labels on the page: isolated from the direction of what surrounds them, with what cannot be seen shown as
// its code point.

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { format } from "../model/address.js";
import { slots } from "../text/format.js";
import { parts, plain } from "../text/visible.js";

/** The text, nothing but text. */
export function shown(text) {
  const pieces = parts(text);
  if (pieces.length === 1 && pieces[0].text !== undefined) return html`<bdi>${text}</bdi>`;
  return html`<bdi>${pieces.map((piece) => piece.text ?? html`<span class="code">${piece.code}</span>`)}</bdi>`;
}

export function semaphoreLink(name) {
  return html`<a href=${format({ view: "semaphore", key: name })} title=${plain(name)}>${shown(name)}</a>`;
}

/** The word for what is no semaphore. */
export function kindOf({ bucket, keys }) {
  return bucket === undefined ? nothing : html`<span class="kind-of">${keys === undefined ? "bucket" : "buckets"}</span>`;
}

/** By its label; without one by its id. */
export function peerLink(peer, label) {
  const href = format({ view: "peer", key: String(peer) });
  return html`<a href=${href} title=${plain(label ?? String(peer))}>${shown(label ?? String(peer))}</a>`;
}

/** What has a column of its own where there is room for it, and stands below the name where there is little. */
export function below(notes) {
  const there = notes.filter((note) => note !== null);
  return there.length === 0 ? nothing : html`<span class="below">${there.map((note, index) => html`${index > 0 ? " · " : nothing}${note}`)}</span>`;
}

/** "slots 0–3", of a lock that has some. */
export function numbering({ slots: numbers }) {
  return numbers === undefined ? null : `${numbers.length === 1 ? "slot" : "slots"} ${slots(numbers)}`;
}

/** What a ticket wants: "database × 2, gpu". */
export function wants(want) {
  return Object.entries(want).map(([name, count], index) => html`${index > 0 ? ", " : nothing}${
    semaphoreLink(name)}${count === 1 ? nothing : html`<span class="times"> × ${count}</span>`}`);
}
