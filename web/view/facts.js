// The figures at the head of a semaphore's view, of a bucket's, and of a pattern's. `now` is the server's clock.

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { available, closedFor, hasTokens, spent } from "../model/bucket.js";
import { free, over } from "../model/rows.js";
import { count, duration, left, refillRate } from "../text/format.js";
import { bar } from "./meter.js";
import { figure } from "./overview.js";

/** `name` tells what clients have declared from a pattern of the configuration. */
export function facts(name, semaphore, now) {
  if (semaphore.keys !== undefined) return ofKeys(name, semaphore, now);
  return hasTokens(semaphore) ? ofBucket(semaphore, now) : ofSemaphore(semaphore, now);
}

function ofSemaphore(semaphore, now) {
  const { held, max, level, delayed = 0 } = semaphore;
  return html`<dl class="figures">
    ${figure("Held", html`${count(held)} <small>of ${count(max)}</small>`)}
    ${use(semaphore, now)}
    ${over(semaphore) > 0 ? figure("Over the maximum", html`<span class="bad">${count(over(semaphore))}</span>`) : figure("Free", count(Math.max(0, free(semaphore))))}
    ${delayed > 0 ? figure("Blocked", count(delayed)) : nothing}
    ${line(semaphore, now)}
    ${figure("Level", level)}
  </dl>`;
}

function ofBucket(semaphore, now) {
  const { held, max, bucket } = semaphore;
  const there = available(semaphore, now);
  const closed = closedFor(semaphore, now);
  return html`<dl class="figures">
    ${figure("Tokens spent", html`${count(spent(semaphore, now))} <small>of ${count(max)}</small>`)}
    ${use(semaphore, now)}
    ${figure("Available", there < 0 ? html`<span class="bad">−${count(-there)}</span>` : count(there))}
    ${figure("Rate", refillRate(bucket), "rate")}
    ${figure("All back in", there === max ? "–" : left(bucket.full_at_ms - now))}
    ${figure("Reserved", count(bucket.reserved ?? 0))}
    ${figure("Closed", closed > 0 ? html`<span class="bad">for ${left(closed)}</span>` : "no")}
    ${figure("Permits in use", count(held))}
    ${line(semaphore, now)}
  </dl>`;
}

function ofKeys(name, semaphore, now) {
  const { held, max, level, bucket, keys, delayed = 0 } = semaphore;
  const all = html`${figure("Keys", count(keys))}
    ${figure(bucket === undefined ? "Held of all" : "Permits in use", count(held))}
    ${delayed > 0 ? figure("Blocked of all", count(delayed)) : nothing}
    ${line(semaphore, now)}`;
  if (name === DECLARED) {
    return html`<dl class="figures">${all}</dl>
      <p class="quiet">Semaphores and buckets that clients have declared themselves, taken together: each has a max of its own.</p>`;
  }
  return html`<dl class="figures">
      ${all}
      ${figure(bucket === undefined ? "Max of each" : "Capacity of each", count(max))}
      ${bucket === undefined ? figure("Level", level) : figure("Rate of each", refillRate(bucket), "rate")}
      </dl>
    <p class="quiet">A pattern: each name that fits it is a ${bucket === undefined ? "semaphore" : "bucket"} of its own, a key. The ${
    bucket === undefined ? "max" : "capacity"} is that of each key; all else is the sum over all keys.</p>`;
}

/** The row of what clients have declared. */
export const DECLARED = "[dynamic]";

function use(semaphore, now) {
  return html`<div class="wide"><dt>Use</dt><dd>${bar(semaphore, now)}</dd></div>`;
}

function line({ waiters, pending, waiting_since_ms: since }, now) {
  return html`${figure("Waiting", waiters === pending ? count(waiters) : html`${count(waiters)} <small>want ${count(pending)}</small>`)}
    ${figure("Longest wait", since === undefined ? "–" : duration(now - since))}`;
}
