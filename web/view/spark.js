// The last minutes of a semaphore in a table's row: an area for what was held (of a bucket: permits in use), and below it a
// strip where peers waited.

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { POINTS } from "../model/history.js";
import { count } from "../text/format.js";
import { area, strip } from "./outline.js";

// Rows are rendered twice a second, points come every five: what was drawn of a line is kept as long as the line lives.
const DRAWN = new WeakMap();

/** `line` is what the history has of the semaphore. The present is on the right. */
export function spark(line, { max: most, bucket, keys }) {
  if (line === undefined || line.held.length === 0) return nothing;
  // What is held of all keys has no top.
  const max = keys === undefined ? most : 0;
  const word = bucket === undefined ? "held" : "in use";
  const kept = DRAWN.get(line);
  if (kept !== undefined && kept.max === max && kept.word === word) return kept.drawn;
  const drawn = draw(line, max, word);
  DRAWN.set(line, { max, word, drawn });
  return drawn;
}

function draw({ held, waiting }, max, word) {
  const most = Math.max(0, ...held);
  const longest = Math.max(0, ...waiting);
  return html`<svg class="spark" role="img" aria-label="at most ${count(most)} ${word}, ${count(longest)} waiting"
    viewBox="0 0 ${POINTS} 20" preserveAspectRatio="none">
    <path class="held" d=${area(held, Math.max(1, max, most))}></path>
    <path class="waiting" d=${strip(waiting)}></path>
  </svg>`;
}
