// The log of recent events: newest first, at most so many, each once. Pure.

/** So many are kept. */
export const MOST = 1_000;

/** Kinds in the order in which they are offered, with what is written for them. Unknown ones are shown as they come. */
export const KINDS = new Map([
  ["granted", { word: "granted", sign: "+" }],
  ["released", { word: "released", sign: "−" }],
  ["expired", { word: "expired", sign: "✕" }],
  ["closed", { word: "closed", sign: "−" }],
  ["disconnected", { word: "disconnected", sign: "⌁" }],
  ["restored", { word: "restored", sign: "↺" }],
  ["superseded", { word: "superseded", sign: "⇄" }],
  ["revoked", { word: "revoked", sign: "✕" }],
  // What operators do.
  ["create", { word: "created", sign: "✚" }],
  ["change", { word: "changed", sign: "↕" }],
  ["pause", { word: "paused", sign: "‖" }],
  ["resume", { word: "resumed", sign: "▸" }],
  ["free", { word: "frees", sign: "⊘" }],
  ["revoke", { word: "revokes", sign: "⊘" }],
  ["delete", { word: "deleted", sign: "⌫" }],
  ["reload", { word: "reloaded", sign: "⟳" }],
]);

export function none() {
  return { list: [], last: 0, lost: 0 };
}

/** With the events of a `state` message. A snapshot repeats some that are known already. */
export function add(log, message) {
  const fresh = (message.events ?? []).filter((event) => event.n > log.last);
  const lost = log.lost + (message.events_lost ?? 0);
  if (fresh.length === 0) return lost === log.lost ? log : { ...log, lost };
  fresh.sort((a, b) => b.n - a.n);
  return { list: fresh.concat(log.list).slice(0, MOST), last: fresh[0].n, lost };
}

/** Those that are asked for: of some kinds (none: all), with a text in what they name or say, of one semaphore or peer. */
export function select(list, { kinds = [], text = "", semaphore = null, peer = null }) {
  const wanted = new Set(kinds);
  const needle = text.trim().toLowerCase();
  return list.filter((event) =>
    (wanted.size === 0 || wanted.has(event.kind))
    && (semaphore === null || event.semaphore === semaphore)
    && (peer === null || event.peer === peer)
    && (needle === "" || [event.semaphore, event.label, event.peer, event.by, event.why]
      .some((part) => part !== undefined && String(part).toLowerCase().includes(needle))));
}
