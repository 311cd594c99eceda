// What a deed will hit, told before it is done: from what the page knows at that moment, while somebody still types.
// Pure. Each sentence is a list of words; what strangers chose is `{ text }` among them. The first one is the sum.

import { available, hasTokens, spent } from "../model/bucket.js";
import { free as unheld } from "../model/rows.js";
import { count, duration, many } from "../text/format.js";
import { lockWord, number } from "./deeds.js";
import { differing } from "./record.js";

/** So many holders are named. */
const NAMED = 3;

/**
 * `semaphore` is what the page knows of the subject, `details` what the inspector found of the view's own (either may be
 * missing), `semaphores` all of them, `now` the server's clock.
 */
export function impact({ deed, subject, draft }, { semaphore, details, semaphores, now }) {
  if (deed === "create") return creation(draft, semaphores);
  if (deed === "reload") return reload(semaphores);
  if (deed === "revoke") return subject.name === undefined ? wholePeer(subject, details) : oneLock(subject, semaphore, now);
  if (semaphore === undefined) return [["It is not there any more."]];
  switch (deed) {
    case "change":
      return change(draft, semaphore, details, now);
    case "pause":
      return [use(semaphore, now), ["Who holds it keeps it, who waits goes on waiting. Nothing is granted until it is resumed."]];
    case "resume":
      return [use(semaphore, now), resumption(semaphore, now)];
    case "free":
      return [use(semaphore, now), ...holders(details, semaphore), ...next(semaphore)];
    default:
      return deletion(semaphore, details, now);
  }
}

/** Whether anybody holds it or waits for it. */
export function inUse(semaphore) {
  return semaphore !== undefined && (semaphore.holders > 0 || semaphore.waiters > 0);
}

function use(semaphore, now) {
  const { held, max, holders: all, waiters, bucket, keys, delayed = 0 } = semaphore;
  const blocked = delayed === 0 ? "" : `, ${count(delayed)} blocked after an expiry`;
  const locks = `${many(all, lockWord({ bucket }))} of ${many(all, "peer")}`;
  const waiting = line(waiters);
  if (keys !== undefined) return [`${many(keys, "key")}: ${all === 0 ? "nobody holds any" : `${locks}, ${count(held)} held`}${blocked}; ${waiting}.`];
  if (bucket === undefined) return [`${all === 0 ? "Nobody holds it" : `${locks}, ${count(held)} of ${count(max)} held`}${blocked}; ${waiting}.`];
  return [`${all === 0 ? "No permit is in use" : locks}, ${count(spent(semaphore, now))} of ${many(max, "token")} spent; ${waiting}.`];
}

/** How much can be granted at once, if it is known for the whole. */
function free(semaphore, now) {
  if (semaphore.keys !== undefined) return null;
  return hasTokens(semaphore) ? available(semaphore, now) : unheld(semaphore);
}

function resumption(semaphore, now) {
  const most = free(semaphore, now);
  if (most === null) return ["Who waits first is granted at once what is free of each key."];
  if (most > 0) return [`${count(most)} can be granted at once, to those who wait first.`];
  return [semaphore.bucket === undefined
    ? "Nothing is free at the moment: who waits is next when something is."
    : "No tokens are left at the moment: who waits is next when they come back."];
}

function line(waiters) {
  return waiters === 0 ? "nobody waits" : `${count(waiters)} waiting`;
}

/** "alice, bob, carol", as far as they are to be named. */
function names(texts) {
  return texts.slice(0, NAMED).flatMap((text, index) => (index === 0 ? [{ text }] : [", ", { text }]));
}

function andMore(all, named = NAMED) {
  return all > named ? ` and ${count(all - named)} more.` : ".";
}

function holders(details, { holders: all }) {
  const known = details?.holders ?? [];
  if (all === 0 || known.length === 0) return [];
  return [["Held by ", ...names(known.map(({ label, peer }) => label ?? peer)), andMore(all, Math.min(NAMED, known.length))]];
}

function next({ waiters, paused, bucket }) {
  if (bucket !== undefined) return [["Tokens come back with time, not with this."]];
  if (waiters === 0) return [];
  return [[paused === true ? "It is paused: who waits goes on waiting." : "Who waits is next, in their order."]];
}

function change(draft, semaphore, details, now) {
  const { held, max, level, waiters, bucket, keys, delayed = 0 } = semaphore;
  const to = { max: number(draft.max, 1, 2 ** 31) ?? max, level: number(draft.level, -(2 ** 31), 2 ** 31 - 1) ?? level };
  const found = [use(semaphore, now)];
  const most = free({ ...semaphore, max: to.max }, now);
  if (keys !== undefined) {
    found.push(["It is what each key has for itself. Nothing is taken away."]);
  } else if (most < 0 && bucket === undefined) {
    const word = delayed === 0 ? "held" : "held or blocked";
    found.push([`${many(held + delayed, `is ${word}`, `are ${word}`)}, ${count(-most)} more than that: nothing new is granted until it fits. Nothing is taken away.`]);
  } else if (most < 0) {
    found.push([`${many(to.max - most, "token is", "tokens are")} spent, ${count(-most)} more than that: nothing new is granted until enough are back.`]);
  } else if (to.max > max && waiters > 0) {
    found.push([`${count(most)} can be granted at once, to those who wait first.`]);
  }
  // The queue of a pattern is many.
  if (to.max < max && waiters > 0) found.push(sentAway(to.max, semaphore, keys === undefined ? details : null));
  if (to.level !== level) found.push(["The level counts when somebody acquires: who holds it or waits is not concerned."]);
  return [...found, ...file(to, semaphore)];
}

/** Who waits for more than there will ever be. The queue is known as far as it was asked for. */
function sentAway(max, { waiters }, details) {
  const queue = details?.queue;
  if (queue === undefined) return [`Who waits for more than ${count(max)} is sent away.`];
  const whole = queue.length >= waiters;
  const gone = queue.filter(({ want }) => (want[details.name] ?? 0) > max);
  if (gone.length === 0 && whole) return [`Nobody waits for more than ${count(max)}.`];
  const sum = `${whole ? "" : "At least "}${count(gone.length)} of ${count(waiters)} waiting`;
  const who = gone.length === 0 ? [] : [": ", ...names(gone.map(({ label, peer }) => label ?? peer))];
  return [`${sum} ${gone.length === 1 ? "wants" : "want"} more than ${count(max)} and will be sent away`, ...who, andMore(gone.length)];
}

function file(to, semaphore) {
  const { max, level, configured } = semaphore;
  // `null`: the file says nothing of it. Absent: the file says what it is.
  if (configured === null) return [];
  const back = [["The file stays as it is: a reload or a restart brings back what it says."]];
  if (configured === undefined) return to.max === max && to.level === level ? [] : back;
  return differing({ ...semaphore, ...to }) === null ? [["That is what the file says."]] : back;
}

function deletion(semaphore, details, now) {
  const back = semaphore.configured === null ? [] : [["It is in the file: a reload or a restart brings it back."]];
  return [use(semaphore, now), ...(inUse(semaphore) ? holders(details, semaphore) : []), ...back];
}

function oneLock({ lock, bucket }, semaphore, now) {
  const word = `1 ${lockWord({ bucket })}`;
  const whole = semaphore === undefined || bucket ? "" : ` of ${count(semaphore.max)}`;
  const held = lock === undefined ? word : `${word}, ${count(lock.count)}${whole}, held for ${duration(now - lock.since_ms)}`;
  return [[`${held}${semaphore === undefined ? "" : `; ${line(semaphore.waiters)}`}.`], ["The peer stays, with all else that it holds."]];
}

function wholePeer({ peer }, details) {
  if (details?.peer !== peer) return [["The peer is not there any more."]];
  const { locks, waiting } = details;
  const held = locks.length === 0 ? ["It holds nothing"] : [`${many(locks.length, "lock")}: `, ...names(locks.map(({ semaphore }) => semaphore))];
  const more = locks.length > NAMED ? ` and ${count(locks.length - NAMED)} more` : "";
  const waits = waiting === undefined ? "it waits for nothing" : "it waits in line, and loses its place";
  return [[...held, `${more}; ${waits}.`], ["The peer itself is gone then. Its program has to begin anew."]];
}

function creation({ name }, semaphores) {
  if (semaphores.has(name)) return [["There is one of this name already."]];
  return [["The file stays as it is. To have it after a restart, write it there too."]];
}

function reload(semaphores) {
  const differ = [...semaphores].filter(([, it]) => it.configured).map(([name]) => name);
  const found = [["The configuration file is read again: all of it is taken, or nothing."]];
  if (differ.length > 0) {
    found.push([`What was changed here becomes what the file says, in ${many(differ.length, "semaphore")}: `, ...names(differ), andMore(differ.length)]);
  }
  return [...found, ["What is paused stays paused, what was made here stays."]];
}
