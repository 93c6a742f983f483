// @ts-check
// The operators' console: asks for every line once a second, and shows the one that is chosen.

import { acts, begin, offer, open } from './console-acts.js';
import { api } from './console-api.js';
import { learnTroubles } from './console-breaking.js';
import { $, announce, failure, make, put, words } from './console-dom.js';
import { edit, isEdited } from './console-editor.js';
import { Calls, History, busiest, troubles } from './console-figures.js';
import { learnLetters, showLetters } from './console-letters.js';
import { showHead, showLine, showLines, showZeros } from './console-line.js';
import { showMembers } from './console-members.js';
import { showRecord } from './console-record.js';
import { address, parse } from './console-route.js';

/** @typedef {import('./console-figures.js').Line} Line */

/** How often the lines are asked for while the page is seen, in milliseconds. */
const EVERY = 1_000;
const HIDDEN = 10_000;
/** From this age on, figures are old. */
const OLD = 2_000;
const HISTORIES = 'console-histories';

/** @type {Line[]} */
let lines = [];
/** @type {Record<string, string>} */
let health = {};
/** @type {import('./console-figures.js').Counted} */
let counted = {};
/** @type {import('./call.js').Answer | undefined} */
let failed;
/** When what is shown was asked for; older than this it cannot be. */
let asOf = -Infinity;
let route = parse(location.hash);
/** When it was chosen. */
let chosenAt = 0;
/** @type {Map<string, {version: number, concert?: Record<string, any>}>} */
const concerts = new Map();
/** Asks at once, if nothing is asked yet. @type {(value?: unknown) => void} */
let wake = () => {};
const calls = new Calls();
const histories = remembered();

/** @returns {Map<string, History>} */
function remembered() {
  try {
    const kept = JSON.parse(sessionStorage.getItem(HISTORIES) ?? '[]');
    return new Map(kept.map((/** @type {[string, any[]]} */ [id, points]) => [id, new History(points)]));
  } catch {
    return new Map();
  }
}

/** @param {string} id */
function historyOf(id) {
  const history = histories.get(id) ?? new History();
  histories.set(id, history);
  return history;
}

/** Asks for the lines again and again, a second after the last question or at once after a later answer. */
async function watch() {
  for (;;) {
    const begun = performance.now();
    const told = await api.lines();
    try {
      take(told, begun);
    } catch (fault) {
      // What one line cannot be shown for must not end the watch over all.
      reportError(fault);
    }
    const wait = (document.hidden ? HIDDEN : EVERY) - (performance.now() - begun);
    await new Promise((next) => { wake = next; setTimeout(next, Math.max(0, wait)); });
  }
}

/** Asks what the control plane depends on; its answers may be slow when something is down. */
async function watchHealth() {
  for (;;) {
    const answer = await api.health();
    const { deadLetters, blindGates, ...parts } = answer.ok ? answer.data : {};
    counted = { letters: deadLetters, gates: blindGates };
    health = answer.ok ? parts : answer.status >= 500 ? { control: 'down' } : {};
    await new Promise((next) => { setTimeout(next, document.hidden ? HIDDEN : 2 * EVERY); });
  }
}

/**
 * @param {import('./call.js').Answer} told
 * @param {number} begun
 */
function take(told, begun) {
  failed = told.ok ? undefined : told;
  const first = told.ok && asOf === -Infinity;
  if (told.ok) {
    ({ lines } = told.data);
    asOf = begun;
    for (const line of lines) historyOf(line.concertId).add(line, Date.now());
  }
  if (first) go();
  else show();
}

/** @param {string} id */
const titleOf = (id) => lines.find((line) => line.concertId === id)?.concertTitle;

function chosen() {
  return lines.find((line) => line.concertId === route.concert);
}

/** Shows everything that a second changes. */
function show() {
  showLines(lines, route.concert);
  const away = failed?.code === 'STORE_DOWN' ? 'store' : 'server';
  showZeros(lines, { ...(failed && !isSignedOut() && { [away]: 'down' }), ...health }, counted.letters ?? 0);
  if (route.view === 'letters') learnLetters(counted.letters);
  showTroubles();
  const line = chosen();
  $('of-line').hidden = !line;
  if (line) {
    learn(line);
    showHead(line, concerts.get(line.concertId)?.concert, Date.now());
    offer(line);
    if (route.view === 'line') showLine(line, historyOf(line.concertId));
  } else if (route.concert && asOf > chosenAt && !failed) {
    location.replace('#/');
  } else if (route.view === 'none' && lines.length && isWide()) {
    location.replace(address(busiest(lines, words.language).concertId));
  }
  age();
}

/** Beside the list there is room for a line. */
const isWide = () => matchMedia('(min-width: 60rem)').matches;

/**
 * Reads a concert's policy when it has changed.
 * @param {Line} line
 */
async function learn({ concertId, version }) {
  const known = concerts.get(concertId);
  if (known?.version === version) return;
  concerts.set(concertId, { version, concert: known?.concert });
  const read = await api.concert(concertId);
  if (!read.ok) return void concerts.delete(concertId);
  concerts.set(concertId, { version, concert: read.data });
  // What the line's head says comes with it, not a second later.
  if (route.concert === concertId) show();
}

function showTroubles() {
  const now = performance.now();
  const found = troubles(failed ? [] : lines, health, (line) => calls.stuck(line, now), counted);
  learnTroubles(found.map(({ word }) => word));
  const said = found.map(({ word, bad, lines: titles, values }) => ({
    bad,
    href: word === 'letters' && route.view !== 'letters' ? '#/letters' : '',
    text: words.say(`trouble_${word}`, {
      ...values, n: values.many ?? 0, lines: words.list.format(titles),
    }),
  }));
  if (failed) said.unshift({ bad: true, href: isSignedOut() ? '/admin' : '', text: isSignedOut() ? words.say('trouble_signed_out') : failure(failed) });
  const list = $('troubles');
  const same = list.children.length === said.length && said.every(({ text, href }, i) => list.children[i]?.firstChild?.textContent === text
    && Boolean(list.children[i]?.children.length) === Boolean(href));
  if (same) return;
  // The page itself is where one signs in.
  const link = (/** @type {string} */ href) => make('a', { href, class: 'button' }, words.say(href === '/admin' ? 'sign_in' : 'to_letters'));
  list.replaceChildren(...said.map(({ bad, text, href }) => make('li', { class: bad && 'bad' }, text, ...(href ? [link(href)] : []))));
}

/** Whether the answers say that the cookie signs nobody in any more. */
const isSignedOut = () => failed !== undefined && [401, 403].includes(failed.status);

/** Says how old the figures are. */
function age() {
  const ms = performance.now() - asOf;
  const sign = $('age');
  const old = ms > OLD;
  sign.classList.toggle('off', old);
  put(sign, asOf === -Infinity ? words.say('asking') : words.say('as_of', { age: (ms / 1000).toFixed(1) }));
  $('split').classList.toggle('old', old && asOf > -Infinity);
}

/** Shows what the address says. */
function go() {
  const before = route;
  route = parse(location.hash);
  chosenAt = performance.now();
  wake();
  const { view, concert } = route;
  $('split').dataset.view = view;
  for (const name of ['none', 'line', 'policy', 'members', 'record', 'letters']) {
    $(`view-${name}`).hidden = name !== (view === 'new' ? 'policy' : view);
  }
  for (const link of $('tabs').querySelectorAll('a')) {
    link.href = concert ? address(concert, link.dataset.view) : '#/';
    if (link.dataset.view === view) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  const other = document.querySelector('a[hreflang]');
  if (other) /** @type {HTMLAnchorElement} */ (other).hash = location.hash;
  const line = chosen();
  // Until the lines are known, nothing else is asked for.
  if (asOf > -Infinity) {
    if (view === 'policy') edit(concert);
    if (view === 'new') edit();
    if (view === 'record') showRecord(concert);
    if (view === 'letters') showLetters(titleOf);
    if (view === 'members' && line) showMembers(line);
  }
  show();
  if (before.view !== view || before.concert !== concert) {
    if (!isWide()) scrollTo(0, 0);
    $('view').focus({ preventScroll: true });
  }
}

$('opening').addEventListener('submit', (/** @type {SubmitEvent} */ event) => {
  event.preventDefault();
  const line = chosen();
  if (line) open(line, $('batch').value);
});
$('batch').addEventListener('input', () => {
  const line = chosen();
  if (line) offer(line);
});
$('acts').addEventListener('click', (/** @type {Event} */ event) => {
  const name = /** @type {HTMLElement} */ (event.target).dataset.act;
  const line = chosen();
  if (name && name in acts && line) begin(name, line, announce);
});
addEventListener('hashchange', go);
addEventListener('beforeunload', (event) => {
  if (route.view === 'policy' && isEdited()) event.preventDefault();
});
addEventListener('pagehide', () => {
  const kept = [...histories].map(([id, history]) => [id, history.points]);
  sessionStorage.setItem(HISTORIES, JSON.stringify(kept));
});
// Whatever was done, what came of it is shown at once.
$('ask').addEventListener('close', () => wake());
document.addEventListener('visibilitychange', () => { if (!document.hidden) wake(); });
// What console-again.js and a choice of language left in the address.
if (location.search) history.replaceState(null, '', location.pathname + location.hash);
setInterval(age, 250);
for (const part of ['now', 'split']) $(part).hidden = false;
go();
watch();
watchHealth();
