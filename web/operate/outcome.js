// What has come of a deed, in words: a notice, and lines when there is more to read. Pure. Texts that strangers chose are
// `{ text }` among the plain words, so that the view can show them as such.

import { count, many, timeOfDay } from "../text/format.js";
import { lockWord } from "./deeds.js";
import { difference } from "./record.js";

/** `answer` is the body of the server's answer to the form. */
export function outcome({ deed, subject, draft }, answer) {
  const it = { text: subject.name ?? "" };
  switch (deed) {
    case "create":
      return done([{ text: draft.name }, " is there."]);
    case "change":
      return done([it, `: ${difference(answer?.before, answer?.after, subject.bucket ? "capacity" : "max")}.`]);
    case "pause":
      return done([it, " is paused."]);
    case "resume":
      return done([it, " grants again."]);
    case "delete":
      return done([it, " is gone."]);
    case "reload":
      return reloaded(answer);
    default:
      return done(taken(subject, draft, answer));
  }
}

function done(notice) {
  return { notice, lines: [] };
}

function taken({ name, bucket, peer, label }, draft, answer) {
  const locks = (answer?.revoked ?? []).reduce((sum, it) => sum + it.locks.length, 0);
  const later = draft.grace.trim() !== "" && answer?.until_ms !== undefined;
  const when = later ? `will be taken away at ${timeOfDay(answer.until_ms)}.` : `${locks === 1 ? "was" : "were"} taken away.`;
  const whose = peer === undefined ? ["on ", { text: name }] : ["of ", { text: label ?? peer }];
  return [`${many(locks, lockWord({ bucket }))} `, ...whose, ` ${when}`];
}

/** Of the changes, so many are listed. */
const LISTED = 12;

function reloaded(answer) {
  const { changes = [], restart = [] } = answer ?? {};
  const lines = changes.slice(0, LISTED).map(({ semaphore, before, after }) => {
    const kind = !before ? "new: " : !after ? "removed: " : "";
    return [{ text: semaphore }, ` ${kind}${difference(before, after)}`];
  });
  if (changes.length > LISTED) lines.push([`and ${count(changes.length - LISTED)} more.`]);
  if (changes.length === 0) lines.push(["The semaphores are as the file says already."]);
  if (restart.length > 0) lines.push([`These have changed too, and need a restart: ${restart.join(", ")}.`]);
  const notice = [`The configuration was read again: ${many(changes.length, "semaphore")} changed.`];
  return { notice, lines };
}
