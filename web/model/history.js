// Held and waiting of each semaphore over the last minutes, one point per `everyMs`, all on the same clock. The server's
// own past is loaded once per connection; from then on the page goes on by itself. Pure.

/** So many points are kept: 15 minutes, one per 5 s. */
export const POINTS = 180;

const EVERY_MS = 5_000;

export function none() {
  return { everyMs: EVERY_MS, untilMs: 0, version: 0, lines: new Map() };
}

/** From the answer to `GET /history`. */
export function load(answer, before) {
  const lines = new Map();
  for (const [name, { held, waiting }] of Object.entries(answer.semaphores)) {
    lines.set(name, { held: held.slice(-POINTS), waiting: waiting.slice(-POINTS) });
  }
  return { everyMs: answer.every_ms, untilMs: answer.until_ms, version: before.version + 1, lines };
}

/** With points for the time that has passed until `nowMs`. After a long gap, there is nothing to show. */
export function advance(history, nowMs, semaphores) {
  const { everyMs, untilMs } = history;
  const steps = Math.floor((nowMs - untilMs) / everyMs);
  if (steps < 1) return history;
  const anew = steps > POINTS;
  const lines = new Map();
  for (const [name, { held, pending }] of semaphores) {
    const line = anew ? undefined : history.lines.get(name);
    lines.set(name, {
      held: extended(line?.held, held, anew ? 1 : steps),
      waiting: extended(line?.waiting, pending, anew ? 1 : steps),
    });
  }
  const until = anew ? nowMs : untilMs + steps * everyMs;
  return { everyMs, untilMs: until, version: history.version + 1, lines };
}

/** What a chart draws: times in seconds, with the present as the last point. */
export function series(history, name, semaphore, nowMs) {
  const { held, waiting } = history.lines.get(name) ?? { held: [], waiting: [] };
  const first = history.untilMs - (held.length - 1) * history.everyMs;
  const times = held.map((_, index) => (first + index * history.everyMs) / 1000);
  return [
    [...times, nowMs / 1000],
    [...held, semaphore.held],
    [...waiting, semaphore.pending],
  ];
}

function extended(points, value, steps) {
  const longer = points === undefined ? [] : points.slice(Math.max(0, points.length + steps - POINTS));
  for (let step = 0; step < steps; step += 1) longer.push(value);
  return longer;
}
