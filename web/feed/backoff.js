// How long to wait before the next attempt to connect: full jitter, so that a hundred pages do not all come back in
// the same instant. Pure but for the dice that are handed in.

const FIRST_MS = 500;
const LONGEST_MS = 15_000;

/** Before attempt number `attempt` (the first one after a loss is 1). `dice` gives a number from 0 up to 1. */
export function pause(attempt, dice = Math.random) {
  const ceiling = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempt - 1, 10));
  return Math.floor(dice() * ceiling);
}
