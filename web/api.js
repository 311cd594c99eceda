// Every request that the page makes over HTTP goes through `request`, so that what all of them need (a limit of time,
// who asks) is said in one place. Refusals are problem documents (RFC 9457); whatever else comes is made into one.

import { token } from "./session.js";

/** A server that has not answered by then may have done it all the same. */
const LIMIT_MS = 20_000;

/**
 * `path` is relative to the page. The answer is `{ ok: true, body }`, or `{ ok: false, status, code, detail }` with a
 * text for people; it never throws. `shown` is the token that is shown, that of the page unless it says otherwise. `status` is 0 when there was no answer.
 */
export async function request(method, path, body, shown = token()) {
  const headers = shown === null ? {} : { Authorization: `Bearer ${shown}` };
  const asked = { method, cache: "no-store", signal: AbortSignal.timeout(LIMIT_MS), headers };
  if (body !== undefined) {
    asked.body = JSON.stringify(body);
    headers["Content-Type"] = "application/json";
  }
  try {
    const response = await fetch(path, asked);
    const text = await response.text();
    return response.ok ? { ok: true, body: parsed(text) } : refusal(response, text);
  } catch {
    return { ok: false, status: 0, code: "lost", detail: "The server did not answer. Whether it was done is not known." };
  }
}

/** A name as one part of a path. `null`: browsers take it for a way up, however it is written. */
export function segment(name) {
  return name === "." || name === ".." ? null : encodeURIComponent(name);
}

/** What is before the server may say it in plain words. */
function refusal({ status, statusText, headers }, text) {
  const problem = parsed(text);
  const plain = headers.get("Content-Type")?.startsWith("text/plain") ? text : "";
  const said = typeof problem?.detail === "string" ? problem.detail : plain;
  const detail = said === "" ? `The server refused: ${status} ${statusText}`.trim() : said;
  return { ok: false, status, code: String(problem?.code ?? status), detail };
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
