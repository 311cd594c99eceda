// What an operator can do, as forms: what is asked for, what is wrong with it before the server is bothered, and the
// request that it becomes. Pure.
//
// A `form` is `{ deed, subject, draft }`: the key of one of `DEEDS`; what it is done to (`name` of a semaphore and
// whether it is a `bucket`, `peer` and `label`, and `was`, what the semaphore was when the form was opened); and what has been typed, all of it text.

import { segment } from "../api.js";

/** Longest reason, and longest name, in bytes of UTF-8. */
export const MOST_BYTES = 128;

const MOST_MAX = 2 ** 31;
const LEVELS = { least: -(2 ** 31), most: 2 ** 31 - 1 };

/** With the word on the button, and what is asked for besides the reason. */
export const DEEDS = new Map([
  ["create", { word: "Create", fields: ["name", "max", "level"] }],
  ["change", { word: "Change", fields: ["max", "level"] }],
  ["pause", { word: "Pause", fields: [] }],
  ["resume", { word: "Resume", fields: [] }],
  ["free", { word: "Free all", fields: ["grace"], harsh: true }],
  ["delete", { word: "Delete", fields: [], harsh: true }],
  ["revoke", { word: "Revoke", fields: ["grace"], harsh: true }],
  ["reload", { word: "Reload", fields: [] }],
]);

/** What is asked for besides the reason. Buckets have no level. */
export function fieldsOf({ deed, subject }) {
  return DEEDS.get(deed).fields.filter((field) => field !== "level" || !subject.bucket);
}

/** Why somebody with this role can do none of it; `null`: all of it, or the server will tell. */
export function denial(role) {
  return role === null || role === "operate" ? null : `Your token has the role ${role}: it takes one with the role operate to change anything.`;
}

/** What those have who hold the subject. */
export function lockWord({ bucket }) {
  return bucket ? "permit" : "lock";
}

/** A form as it is opened. */
export function blank(deed, subject = {}) {
  const { max = "", level = 0 } = subject.was ?? {};
  return { deed, subject, draft: { name: "", max: String(max), level: String(level), grace: "", why: "", force: false } };
}

/** What is wrong with it, as `{ field, text }`; `null` when the server is to decide. */
export function flaw({ deed, subject, draft }) {
  const fields = fieldsOf({ deed, subject });
  if (subject.name !== undefined && subject.peer === undefined && segment(subject.name) === null) {
    return { field: null, text: "No browser can name this semaphore in a request. Use another program, such as curl --path-as-is." };
  }
  if (fields.includes("name") && draft.name === "") return { field: "name", text: "A semaphore needs a name." };
  if (fields.includes("name") && bytes(draft.name) > MOST_BYTES) return tooLong("name", "The name", draft.name);
  if (fields.includes("max") && number(draft.max, 1, MOST_MAX) === null) {
    return { field: "max", text: `${subject.bucket ? "Capacity" : "Max"} is a whole number from 1 to 2 147 483 648. To grant nothing, pause it.` };
  }
  if (fields.includes("level") && number(draft.level, LEVELS.least, LEVELS.most) === null) {
    return { field: "level", text: "Level is a whole number, usually a small one." };
  }
  if (deed === "change" && Object.keys(changed(subject.was, draft)).length === 0) {
    return { field: "max", text: "Nothing is different yet." };
  }
  return bytes(draft.why) > MOST_BYTES ? tooLong("why", "The reason", draft.why) : null;
}

/** What to send: `[method, path, body]`. */
export function order({ deed, subject, draft }) {
  const why = draft.why === "" ? {} : { why: draft.why };
  const grace = draft.grace.trim() === "" ? {} : { grace: draft.grace.trim() };
  const semaphore = `operate/semaphores/${segment(subject.name ?? "")}`;
  switch (deed) {
    case "create":
      return ["POST", "operate/semaphores", { name: draft.name, max: Number(draft.max), level: Number(draft.level), ...why }];
    case "change":
      return ["PATCH", semaphore, { ...changed(subject.was, draft), ...why }];
    case "pause":
    case "resume":
      return ["PATCH", semaphore, { paused: deed === "pause", ...why }];
    case "free":
      return ["POST", `${semaphore}/free`, { ...grace, ...why }];
    case "delete": {
      const query = new URLSearchParams({ ...(draft.force ? { force: "true" } : {}), ...why }).toString();
      return ["DELETE", query === "" ? semaphore : `${semaphore}?${query}`];
    }
    case "revoke": {
      const of = subject.name === undefined ? {} : { semaphore: subject.name };
      return ["POST", `operate/peers/${segment(subject.peer)}/revoke`, { ...of, ...grace, ...why }];
    }
    default:
      return ["POST", "operate/reload", why];
  }
}

/** A whole number within limits, or `null`. */
export function number(text, least, most) {
  const value = /^\s*-?\d{1,10}\s*$/.test(text) ? Number(text) : null;
  return value !== null && value >= least && value <= most ? value : null;
}

export function bytes(text) {
  return new TextEncoder().encode(text).length;
}

/** Only what was changed here: what somebody else has changed meanwhile stays. */
function changed(was, draft) {
  const given = { max: number(draft.max, 1, MOST_MAX), level: number(draft.level, LEVELS.least, LEVELS.most) };
  return Object.fromEntries(Object.entries(given).filter(([key, value]) => value !== null && value !== was[key]));
}

function tooLong(field, what, text) {
  return { field, text: `${what} has ${bytes(text)} bytes, at most ${MOST_BYTES} are allowed.` };
}
