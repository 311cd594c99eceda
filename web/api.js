// Every request that the page makes over HTTP goes through `request`, so that what all of them need (a limit of time,
// who asks) is said in one place. Refusals are problem documents (RFC 9457); whatever else comes is made into one.

/** A server that has not answered by then may have done it all the same. */
const LIMIT_MS = 20_000;

/**
 * `path` is relative to the page. The answer is `{ ok: true, body }`, or `{ ok: false, status, code, detail }` with a
 * text for people; it never throws. `status` is 0 when there was no answer.
 */
export async function request(method, path, body) {
  const asked = { method, cache: "no-store", signal: AbortSignal.timeout(LIMIT_MS) };
  if (body !== undefined) Object.assign(asked, { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } });
  try {
    const response = await fetch(path, asked);
    const text = await response.text();
    return response.ok ? { ok: true, body: parsed(text) } : refusal(response, parsed(text));
  } catch {
    return { ok: false, status: 0, code: "lost", detail: "The server did not answer. Whether it was done is not known." };
  }
}

/** A name as one part of a path. `null`: browsers take it for a way up, however it is written. */
export function segment(name) {
  return name === "." || name === ".." ? null : encodeURIComponent(name);
}

function refusal({ status, statusText }, problem) {
  const said = typeof problem?.detail === "string" && problem.detail !== "";
  const detail = said ? problem.detail : `The server refused: ${status} ${statusText}`.trim();
  return { ok: false, status, code: String(problem?.code ?? status), detail };
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
