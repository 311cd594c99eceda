// What surrounds every view: name, navigation, the state of the connection, theme and help.

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { format } from "../model/address.js";
import { shown } from "./name.js";

/** `fresh` is the connection's state in words; `content` is the view; `signOut` is null for those who have no token. */
export function frame({ model, address, fresh, theme, back, content, retry, nextTheme, help, signOut }) {
  const current = (view) => (address.view === view ? "page" : nothing);
  return html`
    <a class="skip" href="#content" @click=${toContent}>To the content</a>
    <header class="top">
      <a class="brand" href="#/">throttle${model.server?.version === undefined ? nothing : html` <small>${shown(model.server.version)}</small>`}</a>
      <nav aria-label="Views">
        <a href=${address.view === "semaphores" ? format(address) : back} aria-current=${current("semaphores")}>Semaphores</a>
        <a href=${format({ view: "events" })} aria-current=${current("events")}>Events</a>
      </nav>
      <div class="link ${fresh.kind}">
        <span role="status"><span class="sign" aria-hidden="true">${fresh.sign}</span> <span class="word">${fresh.word}</span></span>
        ${fresh.detail === "" ? nothing : html`<span class="detail">${fresh.detail}</span>`}
        ${fresh.kind === "waiting" || fresh.kind === "refused" ? html`<button type="button" class="plain" @click=${retry}>Retry now</button>` : nothing}
      </div>
      ${signOut === null ? nothing : html`<button type="button" class="plain" @click=${signOut}>Sign out</button>`}
      <button type="button" class="tool" @click=${nextTheme} aria-label="Theme: ${theme}" title="Theme: ${theme}">${THEME_SIGNS[theme]}</button>
      <button type="button" class="tool" @click=${help} aria-label="Help" aria-keyshortcuts="?" title="Help (?)">?</button>
    </header>
    <main id="content" tabindex="-1" class=${fresh.live || !model.known ? "" : "stale"}>${content}</main>`;
}

/** The help, in a dialog of its own: the browser closes it with Esc. */
export function helpDialog() {
  return html`<dialog id="help" aria-labelledby="help-title">
    <h2 id="help-title">Help</h2>
    <table class="keys">
      <caption class="unseen">Keys</caption>
      <tbody>${KEYS.map(([keys, does]) => html`<tr><th scope="row">${keys.map((key) => html`<kbd>${key}</kbd> `)}</th><td>${does}</td></tr>`)}</tbody>
    </table>
    <p>A <em>semaphore</em> is a name with a maximum. A <em>peer</em> holds locks on it or waits in its queue. <em>Expired</em> is
      who gave no sign of life in time. What is <em>over</em> the maximum was brought back by clients after a restart, or the
      maximum became smaller. What is <em>blocked</em> was held by a peer that has expired: its program may still be at work,
      so nobody gets it for a while.</p>
    <p>A <em>bucket</em> is a name with a rate: who is granted some of it spends tokens, which come back with time. It is
      <em>closed</em> while what is behind it refuses everybody; <em>reserved</em> tokens are waited for or promised. A name
      with <em>keys</em> stands for many that are alike, each with a max of its own.</p>
    <p>As data: <a href="peers/">all peers</a>, <a href="metrics">metrics</a>.</p>
    <form method="dialog"><button class="plain">Close</button></form>
  </dialog>`;
}

const THEME_SIGNS = { auto: "◐", light: "☀", dark: "☾" };

const KEYS = [
  [["/"], "search"],
  [["↑", "↓"], "go through the rows"],
  [["Enter"], "look at the row"],
  [["Esc"], "clear the search, or go back"],
  [["?"], "this help"],
];

// The address after "#" belongs to the views.
function toContent(click) {
  click.preventDefault();
  document.getElementById("content").focus();
}
