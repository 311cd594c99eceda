// The page: holds the model, the address and the connection together, and renders when something has changed. What is
// decided, is decided in the modules that it calls.

import { nothing, render } from "./vendor/lit-html/lit-html.js";
import { request } from "./api.js";
import { Inspector } from "./feed/inspector.js";
import { Link } from "./feed/link.js";
import * as keys from "./keys.js";
import { nextToken } from "./model/bucket.js";
import { format, parse, toggled } from "./model/address.js";
import { freshness } from "./model/freshness.js";
import { series } from "./model/history.js";
import * as models from "./model/model.js";
import { rows, sortedNames } from "./model/rows.js";
import { denial } from "./operate/deeds.js";
import { Desk } from "./operate/desk.js";
import * as session from "./session.js";
import { plain } from "./text/visible.js";
import * as themes from "./theme.js";
import * as chart from "./view/chart.js";
import { passing } from "./view/control.js";
import { formDialog, notice, settle } from "./view/form.js";
import { frame, helpDialog } from "./view/frame.js";
import { eventsView } from "./view/log.js";
import { overview } from "./view/overview.js";
import { peerView } from "./view/peer.js";
import { chartLines, semaphoreView } from "./view/semaphore.js";
import { signInView } from "./view/signin.js";
import { measure, reveal } from "./view/table.js";

/** A tab that is hidden for so long is left alone. */
const HIDDEN_MS = 3_000;

/** Durations tick this often, and tokens that come back are shown so soon. */
const TICK_MS = { most: 1_000, least: 200 };

const root = document.getElementById("page");
const socketAddress = new URL("ws", document.baseURI.replace(/^http/, "ws"));
socketAddress.search = "";
socketAddress.hash = "";

let model = models.empty();
let address = parse(location.hash);
let overviewAddress = { view: "semaphores" };
let sorted = { names: -1, list: [] };
let shownNames = [];
let eventRows;
let due = false;
let hiding = null;
let returning = null;
let pastAsked = false;
let scrolled = 0;

/** Why the token is not good, and whether that is being found out. */
let refusal = null;
let checking = false;

const link = new Link({ url: socketAddress.href, hear, changed: linkChanged, token: session.token });
const inspector = new Inspector({ ask: (subject) => link.inspect(subject), changed: invalidate });
const desk = new Desk({ request, changed: invalidate });

function hear(message) {
  model = models.state(model, message, performance.now());
  if (model.broken) link.watch();
  invalidate();
}

/** A connection is new: the past has a gap. */
function linkChanged({ phase, watching, tokenWanted }) {
  if (tokenWanted) leaveNothing();
  if (phase === "waiting" && session.token() !== null) checkToken();
  // Before that it is not clear whether the page is let in.
  if (watching && !pastAsked) loadHistory();
  pastAsked = watching;
  invalidate();
}

async function loadHistory() {
  const { ok, body } = await request("GET", "history");
  // Without an answer, the charts begin with the present.
  if (ok && body !== null) model = models.past(model, body);
  invalidate();
}

// --- Who looks

async function signIn(token) {
  if (checking) return;
  checking = true;
  invalidate();
  refusal = await session.refusal(token, () => request("GET", "history", undefined, token));
  checking = false;
  if (refusal === null) {
    session.keep(token);
    link.connect();
    moved();
  }
  invalidate();
}

function signOut() {
  session.keep(null);
  refusal = null;
  leaveNothing();
  link.connect();
}

/** A connection that does not come about may be the token's fault, which a browser does not say. */
async function checkToken() {
  if (checking) return;
  checking = true;
  const token = session.token();
  const { status } = await request("GET", "history");
  checking = false;
  if (status !== 401 || token !== session.token()) return;
  refusal = "The server does not know your token any more.";
  link.wantToken();
}

/** Whoever is not let in sees nothing of what was seen before. */
function leaveNothing() {
  session.keep(null);
  model = models.empty();
  inspector.forget();
}

// --- Rendering

function invalidate() {
  if (due || document.hidden) return;
  due = true;
  requestAnimationFrame(() => {
    due = false;
    paint();
  });
}

function paint() {
  const at = performance.now();
  const fresh = freshness(link.state, model, at);
  const now = models.serverNow(model, at, fresh.live);
  const denied = denial(link.role);
  const act = { open: begin, denied, off: fresh.live ? denied : `${fresh.word}: nothing can be done at the moment` };
  const focused = document.activeElement;
  const again = () => render([frame({
    model, address, fresh, back: format(overviewAddress), theme: themes.theme(),
    content: link.state.tokenWanted ? signInView({ refusal, busy: checking, signIn }) : content(now, act),
    retry: () => link.connect(), nextTheme, help,
    signOut: session.token() === null ? null : signOut,
  }), helpDialog(), formDialog({ desk, known: known(now), off: act.off }),
  notice(desk, model.known && address.view !== "events" ? passing(act) : nothing)], root);
  again();
  if (measure()) again();
  settle(desk);
  // A button may have gone with what it belonged to: whoever has just used it is not left nowhere.
  const lost = document.activeElement === document.body && !focused.isConnected;
  if (lost && focused.matches(".control")) document.getElementById("content").focus({ preventScroll: true });
  drawChart(now);
  clearTimeout(returning);
  const back = fresh.live ? nextToken(model.semaphores, now) : Infinity;
  if (back < TICK_MS.most) returning = setTimeout(invalidate, Math.max(TICK_MS.least, back + 1));
  inspector.tick(at, address.view === "semaphore" ? model.semaphores.get(address.key) : model.version);
}

function content(now, act) {
  const { answer: details, error } = inspector;
  // Of the address as it is then: who clicks twice quickly has not seen the first change yet.
  const toggle = (list, word) => go(toggled(address, list, word));
  const back = format(overviewAddress);
  switch (address.view) {
    case "semaphore":
      return semaphoreView({ model, name: address.key, now, details, error, back, more: () => inspector.more(), act });
    case "peer":
      return peerView({ model, peer: address.key, now, details, error, back, act });
    case "events":
      return eventsView({ model, address, go, toggle, shownRows: eventRows, showMore });
    default:
      return overview({ model, address, now, rows: tableRows(now), go, toggle, sortBy, act });
  }
}

/** What an operator is told before something is done. */
function known(now) {
  const subject = desk.form?.subject;
  return { semaphore: model.semaphores.get(subject?.name), details: inspector.answer, semaphores: model.semaphores, now };
}

function tableRows(now) {
  if (sorted.names !== model.names) sorted = { names: model.names, list: sortedNames(model.semaphores) };
  const found = rows(model.semaphores, sorted.list, address, now);
  shownNames = found.map(([name]) => name);
  return found;
}

function drawChart(now) {
  const container = document.getElementById("chart");
  const semaphore = model.semaphores.get(address.key);
  if (container === null || semaphore === undefined) {
    chart.forget();
    return;
  }
  chart.draw(container, series(model.history, address.key, semaphore, now), chartLines(semaphore), themes.seen(), invalidate);
}

// --- What people do

/** Changes the address a little: what is searched, filtered or sorted. No step back for each letter. */
function go(change) {
  address = { ...address, ...change };
  history.replaceState(null, "", format(address));
  moved();
}

function sortBy(key) {
  go({ sort: key, reverse: address.sort === key ? !address.reverse : false });
}

function showMore() {
  eventRows = Infinity;
  invalidate();
}

/** Opens a form at once: what is typed next belongs into it. */
function begin(deed, subject) {
  desk.open(deed, subject);
  paint();
}

function nextTheme() {
  themes.next();
  invalidate();
}

function help() {
  document.getElementById("help").showModal();
}

function moved() {
  if (address.view === "semaphores") overviewAddress = address;
  if (address.view === "semaphore") inspector.look({ name: address.key });
  else if (address.view === "peer") inspector.look({ peer: address.key });
  else inspector.forget();
  document.title = address.key === null ? "throttle" : `${plain(address.key)} · throttle`;
  invalidate();
}

window.addEventListener("hashchange", () => {
  const before = address;
  if (before.view === "semaphores") scrolled = window.scrollY;
  address = parse(location.hash);
  eventRows = undefined;
  desk.close();
  moved();
  paint();
  if (before.view === address.view && before.key === address.key) return;
  // The overview is found as it was left, other views are read from their beginning.
  window.scrollTo(0, address.view === "semaphores" ? scrolled : 0);
  document.getElementById("content").focus({ preventScroll: true });
  paint();
});
history.scrollRestoration = "manual";

keys.listen({
  rows: () => (address.view === "semaphores" ? shownNames : []),
  reveal: (index) => {
    reveal(index);
    paint();
    document.querySelector(`tr.row[aria-rowindex="${index + 2}"] a`)?.focus({ preventScroll: true });
  },
  back: () => {
    if (address.view === "semaphores") return false;
    location.hash = format(overviewAddress);
    return true;
  },
  clear: () => go({ text: "" }),
  help,
});

// --- Time passes, windows change

window.addEventListener("scroll", invalidate, { passive: true });
window.addEventListener("resize", invalidate);
themes.watch(invalidate);
setInterval(invalidate, TICK_MS.most);

document.addEventListener("visibilitychange", () => {
  clearTimeout(hiding);
  if (document.hidden) {
    // Whoever is about to sign in may be fetching the token from elsewhere.
    hiding = setTimeout(() => link.state.tokenWanted || link.pause(), HIDDEN_MS);
  } else if (link.state.phase === "paused") {
    link.connect();
  }
  invalidate();
});

moved();
link.connect();
paint();
