// What the page knows of the server, and how a message changes it. Pure: a message and the time of its arrival in, a
// new model out; nothing is changed in place that a view may hold.
//
// A gap in the sequence of a watch makes the model `broken`: what it shows may be wrong until the next snapshot.

import * as events from "./events.js";
import * as history from "./history.js";
import * as rates from "./rates.js";

/** The clock that is shown goes back by more than this only. */
const WAITS_MS = 2_000;

/** Before anything has arrived. */
export function empty() {
  return {
    known: false,
    broken: false,
    seq: 0,
    // The server's clock, and the browser's (monotonic) when that was told.
    nowMs: 0,
    heardAt: 0,
    // How far the page has come by itself since.
    reachedMs: 0,
    server: null,
    semaphores: new Map(),
    // Counts up when names come or go, and with each change: views remember by these what they have computed.
    names: 0,
    version: 0,
    events: events.none(),
    rates: rates.none(),
    history: history.none(),
  };
}

/** After a `state` message that arrived at `heardAt`. */
export function state(model, message, heardAt) {
  if (message.snapshot !== true && (message.seq !== model.seq + 1 || !model.known)) {
    return { ...model, broken: true, heardAt };
  }
  const restarted = model.server !== null && message.server?.epoch !== undefined
    && message.server.epoch !== model.server.epoch;
  const semaphores = changed(model.semaphores, message);
  const server = message.server ?? model.server;
  const same = semaphores.size === model.semaphores.size && message.snapshot !== true && !message.gone;
  return {
    ...model,
    known: true,
    broken: false,
    seq: message.seq,
    nowMs: message.now_ms,
    heardAt,
    reachedMs: reached(model, message.now_ms, heardAt),
    server,
    semaphores,
    names: same ? model.names : model.names + 1,
    version: semaphores === model.semaphores ? model.version : model.version + 1,
    events: events.add(restarted ? events.none() : model.events, message),
    rates: rates.add(restarted ? rates.none() : model.rates, server, message.now_ms),
    history: history.advance(restarted ? history.none() : model.history, message.now_ms, semaphores),
  };
}

/** After the answer to `GET /history`. */
export function past(model, answer) {
  return { ...model, history: history.load(answer, model.history) };
}

/** What the server's clock says at `at` of the browser's. It stands still while the page hears nothing. */
export function serverNow(model, at, live) {
  return live ? Math.max(model.nowMs + Math.max(0, at - model.heardAt), model.reachedMs) : model.nowMs;
}

/**
 * A message that was longer on its way than the one before tells an earlier moment than the page has shown. Then the
 * clock waits, so that no token comes back twice. If it is far off, the server's clock was set.
 */
function reached(model, nowMs, heardAt) {
  const shown = serverNow(model, heardAt, true);
  return shown - nowMs <= WAITS_MS ? shown : 0;
}

function changed(known, message) {
  const told = Object.entries(message.semaphores ?? {});
  const gone = message.gone ?? [];
  if (message.snapshot === true) return new Map(told);
  if (told.length === 0 && gone.length === 0) return known;
  const semaphores = new Map(known);
  for (const name of gone) semaphores.delete(name);
  for (const [name, semaphore] of told) semaphores.set(name, semaphore);
  return semaphores;
}
