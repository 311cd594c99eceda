// Whether what is shown is true, in words: the state of the connection and the age of what was heard last. Pure.

import { duration } from "../text/format.js";

/** The server gives a sign of life every 5 s. After twice that, something is wrong. */
const SILENCE_MS = 11_000;

/**
 * `link` is what the connection says of itself: `phase` (connecting, open, waiting, paused, refused), `retryAt` and
 * `reason`. `live` means that the figures are those of now.
 */
export function freshness(link, model, at) {
  const age = model.known ? at - model.heardAt : null;
  if (link.phase === "open" && model.known && !model.broken && link.watching) {
    if (age <= SILENCE_MS) return { live: true, kind: "live", sign: "●", word: "Live", detail: "" };
    return stale("silent", "▲", "Silent", age);
  }
  switch (link.phase) {
    case "paused":
      return stale("paused", "‖", "Paused", age);
    case "refused":
      return stale("refused", "✕", "Refused", age, link.reason);
    case "waiting": {
      const left = Math.max(0, Math.ceil((link.retryAt - at) / 1000));
      return stale("waiting", "▲", "Disconnected", age, `retry in ${left} s`);
    }
    default:
      return stale("connecting", "◌", "Connecting", age);
  }
}

function stale(kind, sign, word, age, more = "") {
  const old = age === null ? "" : `data is ${duration(age)} old`;
  return { live: false, kind, sign, word, detail: [old, more].filter(Boolean).join(", ") };
}
