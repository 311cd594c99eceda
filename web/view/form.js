// The dialog in which an operator confirms what is to be done: what it will hit, the fields, and what the server says
// to it. There is one; what lies in it is the desk's form.

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { MOST_BYTES, DEEDS, bytes, fieldsOf, lockWord } from "../operate/deeds.js";
import { impact, inUse } from "../operate/impact.js";
import { shown } from "./name.js";

/** `known` is what `impact` needs; `off` says why nothing can be sent at the moment. */
export function formDialog({ desk, known, off }) {
  const { form } = desk;
  return html`<dialog id="form" class="form" aria-labelledby="form-title" aria-describedby="impact" @close=${(event) => closed(desk, event.target)} @keydown=${once}>
    ${form === null ? nothing : form.result === null ? asking(desk, known, off) : answered(desk)}
  </dialog>`;
}

/** What has come of the last deed: for a while, at the edge of the page. Read aloud when it comes. `more` is beside it. */
export function notice({ notice: it }, more) {
  return html`<div class="notices">${more}<div role="status">${it === null ? nothing : html`<p class="notice ${it.failed ? "bad" : ""}">
    <span class="sign" aria-hidden="true">${it.failed ? "✕" : "✓"}</span> ${sentence(it.parts)}</p>`}</div></div>`;
}

/** After rendering: opens or closes the dialog as the desk says. */
export function settle({ form }) {
  const dialog = document.getElementById("form");
  if (form !== null && !dialog.open) dialog.showModal();
  if (form === null && dialog.open) dialog.close();
  if (form !== null && !dialog.contains(document.activeElement)) dialog.querySelector("[autofocus]")?.focus();
}

function asking(desk, known, off) {
  const { form } = desk;
  const { word, harsh } = DEEDS.get(form.deed);
  const fields = fieldsOf(form);
  const forceable = form.deed === "delete" && (inUse(known.semaphore) || form.refused === "in_use");
  const submit = (event) => {
    event.preventDefault();
    if (off === null) desk.submit();
  };
  // The second click of two is meant for nobody: the first one has opened the dialog, or sent the form.
  const first = (click) => click.detail > 1 && click.preventDefault();
  const waits = form.busy || off !== null;
  // What follows from what is typed is read aloud; times that tick are not.
  return html`<form method="dialog" novalidate aria-busy=${String(form.busy)} @submit=${submit}>
    <h2 id="form-title">${title(form)}</h2>
    <div id="impact" class="impact" aria-live=${fields.includes("max") ? "polite" : nothing}>${impact(form, known).map((it) => html`<p>${sentence(it)}</p>`)}</div>
    ${fields.map((field, index) => input(desk, field, index === 0))}
    ${input(desk, "why", fields.length === 0)}
    ${forceable ? force(desk) : nothing}
    <p class="error" role="alert" id="form-error">${form.error === null ? nothing : html`<span aria-hidden="true">✕</span> ${lines(form.error.text)}`}</p>
    ${off === null ? nothing : html`<p class="off" role="status">${off}</p>`}
    <div class="answers">
      <button type="button" class="control" @click=${() => desk.close()}>Cancel</button>
      <button type="submit" class="control main ${harsh ? "harsh" : ""}" aria-disabled=${waits ? "true" : nothing} @click=${first}>${form.busy ? "…" : word}</button>
    </div>
  </form>`;
}

function answered(desk) {
  const { notice: summary, lines: list } = desk.form.result;
  return html`<h2 id="form-title">${title(desk.form)}</h2>
    <p id="impact" class="impact" role="status">${sentence(summary)}</p>
    <ul class="changes">${list.map((it) => html`<li>${sentence(it)}</li>`)}</ul>
    <div class="answers"><button type="button" class="control main" autofocus @click=${() => desk.close()}>Close</button></div>`;
}

const FIELDS = {
  name: { word: "Name", hint: "1 to 128 bytes" },
  max: { word: "Max", hint: "how much may be held at once", mode: "numeric" },
  level: { word: "Level", hint: "place in the lock hierarchy" },
  grace: { word: "Grace", hint: "such as 30s or 5m; empty: at once" },
  why: { word: "Reason", hint: "for the log and for those it hits" },
};

const CAPACITY = { word: "Capacity", hint: "how many tokens there are at most", mode: "numeric" };

function input(desk, field, first) {
  const { draft, busy, error, subject } = desk.form;
  const { word, hint, mode } = field === "max" && subject.bucket ? CAPACITY : FIELDS[field];
  const value = draft[field];
  const limited = field === "why" || field === "name";
  const left = limited && bytes(value) > MOST_BYTES - 28 ? `${bytes(value)} of ${MOST_BYTES} bytes` : hint;
  const wrong = error?.field === field;
  return html`<div class="field">
    <label for="field-${field}">${word}</label>
    <input type="text" id="field-${field}" name=${field} .value=${value} ?autofocus=${first} ?readonly=${busy} inputmode=${mode ?? nothing}
      autocomplete="off" autocapitalize="off" spellcheck="false" dir="auto" aria-describedby=${wrong ? "form-error" : `hint-${field}`} aria-invalid=${wrong ? "true" : nothing}
      @input=${(event) => desk.type(field, event.target.value)}>
    <small id="hint-${field}" class=${limited && bytes(value) > MOST_BYTES ? "bad" : ""}>${left}</small>
  </div>`;
}

function force(desk) {
  const { draft, busy } = desk.form;
  return html`<label class="force"><input type="checkbox" name="force" .checked=${draft.force} ?disabled=${busy}
    @change=${(event) => desk.type("force", event.target.checked)}> Although it is in use: take all locks away and send away who waits</label>`;
}

function title({ deed, subject: { name, bucket, peer, label } }) {
  const on = shown(name ?? "");
  switch (deed) {
    case "create":
      return "Create a semaphore";
    case "reload":
      return "Reload the configuration";
    case "free":
      return html`Take away all ${lockWord({ bucket })}s on ${on}`;
    case "revoke":
      return name === undefined ? html`Revoke the peer ${shown(label ?? peer)}` : html`Revoke the ${lockWord({ bucket })} of ${shown(label ?? peer)} on ${on}`;
    default:
      return html`${DEEDS.get(deed).word} ${on}`;
  }
}

/** Words, with what strangers chose among them. */
export function sentence(parts) {
  return parts.map((part) => (typeof part === "string" ? part : shown(part.text)));
}

/** What the server says may have lines, as that of a configuration with several faults. */
function lines(text) {
  return text.split("\n").map((line, index) => html`${index === 0 ? nothing : html`<br>`}${shown(line)}`);
}

/** The browser gives the focus back to where it was. When that is gone, the view gets it. It says so later: the dialog may
 * be open again by then, with the next form. */
function closed(desk, dialog) {
  if (dialog.open) return;
  desk.close();
  const focused = document.activeElement;
  if (focused === document.body || dialog.contains(focused)) document.getElementById("content").focus({ preventScroll: true });
}

/** A key that is held down must not confirm what it has just opened. */
function once(event) {
  if (event.key === "Enter" && event.repeat) event.preventDefault();
}
