// The token with which the page shows itself to the server. It is kept for this tab, until that is closed, and is in no
// address: it goes into a header, or stands beside the protocol of a WebSocket, which can have no headers.

const KEY = "throttle.token";

/** What can be the name of a protocol. Other tokens cannot be sent by a browser. */
const SENDABLE = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/;

/** For browsers that remember nothing. */
let kept = null;

/** The token, or null. */
export function token() {
  try {
    return sessionStorage.getItem(KEY) ?? kept;
  } catch {
    return kept;
  }
}

/** From now on it is this; null forgets it. */
export function keep(text) {
  kept = text;
  try {
    if (text === null) sessionStorage.removeItem(KEY);
    else sessionStorage.setItem(KEY, text);
  } catch {
    // Then it is known until the page is loaded again.
  }
}

/** Why somebody is not let in with this token, in words; null when the server knows it, which `ask` asks. */
export async function refusal(text, ask) {
  if (!SENDABLE.test(text)) return "That cannot be a token: it has spaces or other characters that no browser can send.";
  const { ok, status } = await ask();
  if (!ok && status === 0) return "The server does not answer. Try again.";
  return status === 401 ? "The server does not know this token." : null;
}
