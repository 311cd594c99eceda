// Grants per second, from a counter that only grows: over the last few seconds, so that the figure is calm. Pure.

const WINDOW_MS = 10_000;

export function none() {
  return { samples: [], grants: null };
}

/** With the server's counters as of `nowMs`. A counter that has become smaller starts anew. */
export function add(rates, server, nowMs) {
  if (server?.grants === undefined) return rates;
  let samples = rates.samples;
  const last = samples.at(-1);
  if (last !== undefined && (server.grants < last.grants || nowMs < last.atMs)) samples = [];
  samples = [...samples, { atMs: nowMs, grants: server.grants }];
  // The oldest that is kept is the last one outside of the window: between it and now is what is measured.
  while (samples.length > 2 && samples[1].atMs <= nowMs - WINDOW_MS) samples = samples.slice(1);
  const passed = nowMs - samples[0].atMs;
  const grants = passed > 0 ? (1000 * (server.grants - samples[0].grants)) / passed : null;
  return { samples, grants };
}
