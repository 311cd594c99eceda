// The arithmetic of buckets, and how a row of one is told from others. Pure; `now` is the server's clock.
//
// The server says when a bucket is full again, once per change. In between tokens come back evenly, which the page works
// out by itself.

/** Whether it has tokens of its own. A pattern of buckets has not: each of its keys has. */
export function hasTokens({ bucket, keys }) {
  return bucket !== undefined && keys === undefined;
}

/** Tokens that are not back yet: more than the capacity when more was used than there was. */
export function spent({ bucket: { full_at_ms: fullAt, refill, every_ms: every } }, now) {
  if (fullAt === undefined || fullAt <= now) return 0;
  return Math.ceil(((fullAt - now) * refill) / every);
}

/** Tokens that are there; negative when more was used than there was. */
export function available(semaphore, now) {
  return semaphore.max - spent(semaphore, now);
}

/** What is used of its maximum: tokens of a bucket, else what is held. */
export function used(semaphore, now) {
  return hasTokens(semaphore) ? spent(semaphore, now) : semaphore.held;
}

/** For how long it gives nothing, in milliseconds; 0 when it is open. */
export function closedFor({ bucket }, now) {
  return Math.max(0, (bucket?.closed_until_ms ?? 0) - now);
}

/** In how many milliseconds the next token of any of them is back; `Infinity` when none is missing. */
export function nextToken(semaphores, now) {
  let least = Infinity;
  for (const semaphore of semaphores.values()) {
    if (!hasTokens(semaphore)) continue;
    const missing = spent(semaphore, now);
    if (missing === 0) continue;
    const { full_at_ms: fullAt, refill, every_ms: every } = semaphore.bucket;
    least = Math.min(least, fullAt - ((missing - 1) * every) / refill - now);
  }
  return least;
}
