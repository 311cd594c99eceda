// The connection to the server: connects, says hello, watches, asks; and comes back by itself when it is lost. It knows
// sockets and timers (both handed in, so that tests have their own), but not what the messages mean to the page.

import { pause } from "./backoff.js";

const PROTOCOL = "throttle.v1";
const WATCH_EVERY_MS = 500;

/** A server that has not opened the connection by then is taken to be away. */
const CONNECT_LIMIT_MS = 10_000;

/** Nothing at all for so long, though there is a sign of life every 5 s: the connection is dead and does not know it. */
const SILENCE_LIMIT_MS = 20_000;

/** Coming back does not help against these: no token, not allowed. */
const NO_TOKEN = 4401;
const REFUSALS = new Map([[NO_TOKEN, "a token is needed"], [4403, "not allowed"]]);

/** What a question is answered with when the connection is lost. */
const LOST = { type: "error", code: "lost", message: "The connection was lost." };

export class Link {
  #url;
  #token;
  #world;
  #hear;
  #changed;
  #socket = null;
  #alarm = null;
  #attempt = 0;
  #id = 0;
  #watch = 0;
  #questions = new Map();
  #comeBackIn = null;

  /**
   * `hear` is called with each `state`; `changed` when the link's state is another one. `token` tells what the server is
   * shown, or null.
   */
  constructor({ url, hear, changed, token = () => null, world = browser() }) {
    this.#url = url;
    this.#token = token;
    this.#world = world;
    this.#hear = hear;
    this.#changed = changed;
    this.state = { phase: "paused", watching: false };
    // What the server has said last that the session may do; an older one does not say it.
    this.role = null;
  }

  /** Connects now, whatever it was doing. */
  connect() {
    this.#leave();
    this.#become({ phase: "connecting", watching: false });
    const token = this.#token();
    const protocols = token === null ? PROTOCOL : [PROTOCOL, `bearer.${token}`];
    const socket = this.#world.open(this.#url, protocols);
    this.#socket = socket;
    this.#expect(CONNECT_LIMIT_MS);
    socket.onopen = () => {
      this.#send({ type: "hello", client: "dashboard" });
      this.#become({ phase: "open", watching: false });
      this.watch();
    };
    socket.onmessage = ({ data }) => {
      this.#expect(SILENCE_LIMIT_MS);
      const frame = JSON.parse(data);
      for (const message of Array.isArray(frame) ? frame : [frame]) this.#take(message);
    };
    socket.onclose = ({ code }) => this.#lost(code);
  }

  /** Lets the server alone until `connect` is called. */
  pause() {
    this.#leave();
    this.#attempt = 0;
    this.#become({ phase: "paused", watching: false });
  }

  /** Watches from the beginning: the first answer is a whole snapshot. */
  watch() {
    if (this.#watch !== 0) this.#send({ type: "unwatch", id: this.#watch });
    this.#watch = this.#next();
    this.#send({ type: "watch", id: this.#watch, every_ms: WATCH_EVERY_MS });
  }

  /** Waits for somebody who has a token. A browser does not say why a handshake has failed: others have to find out. */
  wantToken() {
    this.#leave();
    this.#attempt = 0;
    this.#become({ phase: "refused", watching: false, reason: REFUSALS.get(NO_TOKEN), tokenWanted: true });
  }

  /** Asks for the details of `{ name }` or `{ peer }`. The answer is `details` or an error. */
  inspect(subject) {
    if (this.state.phase !== "open") return Promise.resolve(LOST);
    const id = this.#next();
    return new Promise((resolve) => {
      this.#questions.set(id, resolve);
      this.#send({ type: "inspect", id, ...subject });
    });
  }

  #take(message) {
    if (message.type === "welcome") {
      this.role = message.role ?? null;
    } else if (message.type === "state" && message.id === this.#watch) {
      this.#attempt = 0;
      if (!this.state.watching) this.#become({ phase: "open", watching: true });
      this.#hear(message);
    } else if (message.type === "error" && message.id === this.#watch) {
      if (message.retryable) this.#lost(0);
      else this.#refused(message.message);
    } else if (message.type === "draining") {
      this.#comeBackIn = message.reconnect_in_ms;
    } else if (this.#questions.has(message.id)) {
      this.#questions.get(message.id)(message);
      this.#questions.delete(message.id);
    }
  }

  #lost(code) {
    const refusal = REFUSALS.get(code);
    if (code === NO_TOKEN) {
      this.wantToken();
      return;
    }
    if (refusal !== undefined) {
      this.#refused(refusal);
      return;
    }
    this.#leave();
    this.#attempt += 1;
    const wait = this.#comeBackIn ?? pause(this.#attempt, this.#world.dice);
    this.#comeBackIn = null;
    this.#alarm = this.#world.after(wait, () => this.connect());
    this.#become({ phase: "waiting", watching: false, retryAt: this.#world.now() + wait });
  }

  /** Trying again by itself would not help. */
  #refused(reason) {
    this.#leave();
    this.#become({ phase: "refused", watching: false, reason });
  }

  /** Drops the socket, deaf to what it still says, and all that waits for it. */
  #leave() {
    this.#world.cancel(this.#alarm);
    this.#alarm = null;
    this.#watch = 0;
    if (this.#socket !== null) {
      Object.assign(this.#socket, { onopen: null, onmessage: null, onclose: null });
      this.#socket.close(1000);
      this.#socket = null;
    }
    const questions = [...this.#questions.values()];
    this.#questions.clear();
    for (const answer of questions) answer(LOST);
  }

  #expect(withinMs) {
    this.#world.cancel(this.#alarm);
    this.#alarm = this.#world.after(withinMs, () => this.#lost(0));
  }

  #send(message) {
    this.#socket.send(JSON.stringify(message));
  }

  #next() {
    this.#id += 1;
    return this.#id;
  }

  #become(state) {
    this.state = state;
    this.#changed(state);
  }
}

function browser() {
  return {
    open: (url, protocols) => new WebSocket(url, protocols),
    after: (ms, then) => setTimeout(then, ms),
    cancel: (alarm) => clearTimeout(alarm),
    now: () => performance.now(),
    dice: Math.random,
  };
}
