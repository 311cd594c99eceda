// Where an operator's form lies until it is sent: one at a time, each sent once. What comes of it is told even when the
// form was put away meanwhile. It knows timers (handed in), but neither the document nor what the deeds mean.

import { blank, flaw, order } from "./deeds.js";
import { outcome } from "./outcome.js";

const NOTICE_MS = 8_000;

export class Desk {
  #request;
  #changed;
  #world;
  #alarm = null;

  /** `request` as in api.js; `changed` is called when there is something new in `form` or `notice`. */
  constructor({ request, changed, world = browser() }) {
    this.#request = request;
    this.#changed = changed;
    this.#world = world;
    this.form = null;
    this.notice = null;
  }

  open(deed, subject) {
    this.#become({ ...blank(deed, subject), busy: false, error: null, result: null, refused: null });
  }

  type(field, value) {
    const { form } = this;
    if (form === null || form.busy) return;
    this.#become({ ...form, draft: { ...form.draft, [field]: value }, error: null });
  }

  /** Puts the form away. What is under way goes on. */
  close() {
    if (this.form !== null) this.#become(null);
  }

  async submit() {
    const { form } = this;
    if (form === null || form.busy || form.result !== null) return;
    const wrong = flaw(form);
    if (wrong !== null) {
      this.#become({ ...form, error: wrong });
      return;
    }
    const sent = { ...form, busy: true, error: null };
    this.#become(sent);
    const answer = await this.#request(...order(form));
    const told = answer.ok ? outcome(form, answer.body) : null;
    if (this.form !== sent) {
      this.#tell(told?.notice ?? ["Not done: ", { text: answer.detail }], !answer.ok);
    } else if (!answer.ok) {
      this.#become({ ...form, refused: answer.code, error: { field: null, text: answer.detail } });
    } else if (told.lines.length > 0) {
      this.#become({ ...form, result: told });
    } else {
      this.#become(null);
      this.#tell(told.notice, false);
    }
  }

  #tell(parts, failed) {
    this.#world.cancel(this.#alarm);
    this.#alarm = this.#world.after(NOTICE_MS, () => {
      this.notice = null;
      this.#changed();
    });
    this.notice = { parts, failed };
    this.#changed();
  }

  #become(form) {
    this.form = form;
    this.#changed();
  }
}

function browser() {
  return { after: (ms, then) => setTimeout(then, ms), cancel: (alarm) => clearTimeout(alarm) };
}
