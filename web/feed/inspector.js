// Keeps the details of one semaphore or peer up to date while somebody looks at them: one question at a time, again
// when something has changed, and now and then anyway (heartbeats move expiry times without a change of the counts).

const SOONEST_MS = 500;
const LATEST_MS = 2_000;

/** Longest lists that the server gives. */
export const MOST = 1_000;

export class Inspector {
  #ask;
  #changed;
  #subject = null;
  #limit = 100;
  #asking = false;
  #askedAt = -Infinity;
  #seen = undefined;

  /** `ask` answers for a subject; `changed` is called when there is something new in `answer` or `error`. */
  constructor({ ask, changed }) {
    this.#ask = ask;
    this.#changed = changed;
    this.forget();
  }

  forget() {
    this.#subject = null;
    this.answer = null;
    this.error = null;
  }

  /** Looks at `{ name }` or `{ peer }`. What is known of another one is forgotten. */
  look(subject) {
    const same = this.#subject !== null
      && this.#subject.name === subject.name && this.#subject.peer === subject.peer;
    if (same) return;
    this.forget();
    this.#subject = subject;
    this.#limit = 100;
    this.#askedAt = -Infinity;
  }

  /** More of the lists, from the next answer on. */
  more() {
    this.#limit = MOST;
    this.#askedAt = -Infinity;
  }

  /** To be called often: asks when it is time. `seen` is anything that is another one after a change. */
  tick(now, seen) {
    const age = now - this.#askedAt;
    const due = age >= LATEST_MS || (seen !== this.#seen && age >= SOONEST_MS);
    if (this.#subject === null || this.#asking || !due) return;
    this.#seen = seen;
    this.#askedAt = now;
    this.#question(this.#subject);
  }

  async #question(subject) {
    this.#asking = true;
    const answer = await this.#ask({ ...subject, limit: this.#limit });
    this.#asking = false;
    if (subject !== this.#subject || answer.code === "lost") return;
    if (answer.type === "details") {
      this.answer = answer;
      this.error = null;
    } else {
      this.error = answer;
    }
    this.#changed();
  }
}
