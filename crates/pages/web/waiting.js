// @ts-check
/** The waiting page goes on from what the server rendered, and keeps it current. */
import { Sunbeon } from './sunbeon.js';
import { leadOf, stateOf } from './waiting-state.js';
import { clock, every, fill, group, hours, left, waitOf, zoneOf } from './waiting-text.js';
import { alertMe, ring } from './waiting-alert.js';
import { beganWith, phrase, sendOnce, showTiers } from './waiting-parts.js';

/**
 * @typedef {import('./sunbeon.js').Standing} Standing
 * @typedef {import('./sunbeon.js').Line} Line
 * @typedef {import('./waiting-state.js').State} State
 */

/** Seconds that a turn is shown before the page goes on by itself. */
const MOMENT = 3;
/** Milliseconds that a passing message is shown. */
const PASSING = 8000;
/** Milliseconds out of sight after which a visitor is welcomed back. */
const AWAY = 60_000;
/** Milliseconds after which a state that is new has been spoken. */
const SPOKEN = 5000;
/** Places whose passing is spoken. */
const MILESTONES = [1000, 500, 100, 50, 10, 3];

const text = read('text');
const data = read('data');
const lang = document.documentElement.lang;
/** @type {Line} */
let line = data.line;
/** @type {Standing | null} */
let standing = data.standing;
/** @type {State} */
let state = data.state;
let checkedAt = Date.now();
let movesAt = 0;
/** Whether the page is on its way to the shop. */
let moving = false;
let hiddenAt = 0;
let becameAt = 0;
/** @type {string} */
let link = 'polling';
/** @type {ReturnType<typeof setTimeout> | undefined} */
let passing;

// A socket is a member's.
const io = data.known ? import('./socket.io.js').then((socket) => socket.io) : undefined;
const client = new Sunbeon({ io });
client.setClock(data.now);
const watch = client.watch(
  line.concertId,
  {
    standing(told) {
      const before = standing;
      standing = told;
      heard();
      milestone(before, told);
    },
    line(told) {
      line = told;
      heard();
    },
    link: linked,
  },
  { line, standing: standing ?? undefined, member: data.known },
);

/**
 * @param {string} id
 * @returns {any}
 */
function read(id) {
  return JSON.parse(at(id).textContent ?? '{}');
}

/**
 * @param {string} id
 * @returns {HTMLElement}
 */
function at(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found;
}

/**
 * Sets a text where it differs, so that nothing is drawn or spoken anew.
 * @param {HTMLElement | Element | null} element
 * @param {string} value
 */
function put(element, value) {
  if (element && element.textContent !== value) element.textContent = value;
}

/** @param {string} words */
function say(words) {
  put(at('say'), words);
}

function heard() {
  checkedAt = Date.now();
  render();
}

/** @param {string} now */
function linked(now) {
  const was = link;
  link = now;
  const keeps = data.inLine.includes(state);
  const trouble = (keeps ? text.trouble : text.trouble_apart)[now];
  at('trouble').hidden = !trouble;
  at('again').hidden = !['lost', 'retrying', 'signed-out'].includes(now);
  put(at('again'), now === 'signed-out' ? text.login : text.trouble.again);
  if (trouble) {
    put(at('trouble').querySelector('span'), trouble);
    say(trouble);
  } else if (text.trouble[was] && keeps) {
    pass(text.said.again);
  }
  if (now === 'gone') setTimeout(() => location.reload(), PASSING);
  render();
}

/**
 * Shows a message that passes by itself.
 * @param {string} words
 */
function pass(words) {
  clearTimeout(passing);
  const said = at('said');
  said.classList.add('passing');
  put(said, words);
  said.hidden = false;
  say(words);
  passing = setTimeout(() => {
    said.hidden = true;
  }, PASSING);
}

/**
 * @param {Standing | null} before
 * @param {Standing} now
 */
function milestone(before, now) {
  const [was, is] = [before?.queueNumber ?? 0, now.queueNumber ?? 0];
  if (is && MILESTONES.some((place) => is <= place && place < was)) say(fill(text.say.place, { n: group(is) }));
}

/**
 * Goes into another state.
 * @param {State} next
 */
function become(next) {
  const was = state;
  state = next;
  becameAt = Date.now();
  at('desk').dataset.state = next;
  for (const element of document.querySelectorAll('[data-on]')) {
    const states = element.getAttribute('data-on')?.split(' ') ?? [];
    /** @type {HTMLElement} */ (element).hidden = !states.includes(next);
  }
  put(at('label'), text.label[next]);
  const out = next === 'join' || next === 'sign-in';
  if (out && was === 'called') pass(text.said.missed);
  else if (out && was === 'entered') pass(text.said.ended);
  else if (out && data.inLine.includes(was)) pass(text.said.gone);
  else say(next === 'called' ? text.say.called : text.heading[next]);
  movesAt = 0;
  if (next === 'called') ring({ title: text.alert.title, body: fill(text.alert.body, { title: line.concertTitle }) });
}

function render() {
  const now = client.now();
  const facts = { line, standing, known: data.known, guest: data.guest };
  const next = stateOf(facts, now);
  if (next !== state) become(next);
  const starts = line.bookingStartAt ? moment(line.bookingStartAt) : '';
  const about = starts && untilMs(line.bookingStartAt, now) > 0 ? text.about : '{title}';
  put(at('about'), fill(about, { title: line.concertTitle, starts }));
  const lead = leadOf(state, facts, now);
  put(at('heading'), text.heading[lead] ?? text.heading[state]);
  put(at('lead'), fill(text.lead[lead], { starts, opens: line.opensAt ? moment(line.opensAt) : '' }));
  face(now);
  if (state === 'before') put(at('countdown'), left(untilMs(line.bookingStartAt, now)));
  if (state === 'waiting') when(now);
  way();
  fresh();
  notice();
  tiers();
  move(now);
  title();
}

/** @param {string} iso */
function moment(iso) {
  const zone = { timeZone: zoneOf(line.timeZone) };
  const time = clock(new Date(iso).getTime(), zone.timeZone);
  const part = (/** @type {Intl.DateTimeFormatOptions} */ options, locale = lang) =>
    new Intl.DateTimeFormat(locale, { ...zone, ...options }).format(new Date(iso));
  if (lang === 'ko') return `${part({ month: 'long', day: 'numeric' })} (${part({ weekday: 'short' })}) ${time}`;
  const day = [part({ weekday: 'short' }), part({ day: 'numeric' }), part({ month: 'short' })].join(' ');
  return `${day}, ${time}`;
}

/**
 * @param {string | undefined | null} iso
 * @param {number} now
 */
function untilMs(iso, now) {
  return iso ? new Date(iso).getTime() - now : 0;
}

/**
 * The large number, and what stands around it.
 * @param {number} now
 */
function face(now) {
  const place = data.inLine.includes(state);
  let [shown, unit] = [group(line.totalWaitingCount), text.unit.people];
  if (place) [shown, unit] = [group(standing?.queueNumber ?? 1), text.unit.place];
  if (state === 'early') [shown, unit] = [left(untilMs(line.opensAt, now)), ''];
  if (state === 'called' || state === 'entered') [shown, unit] = [left(untilMs(standing?.expiresAt, now)), ''];
  if (state === 'over') [shown, unit] = [text.over_word, ''];
  const number = at('number');
  number.dataset.chars = String(shown.length);
  put(number.querySelector('span'), shown);
  let small = number.querySelector('small');
  if (unit && !small) small = number.appendChild(document.createElement('small'));
  if (small) small.hidden = !unit;
  put(small, unit);
  if (place) {
    const mine = standing?.queueNumber ?? 1;
    phrase(at('ahead'), text.ahead, mine - 1);
    phrase(at('behind'), text.behind, Math.max(0, (standing?.totalWaitingCount ?? mine) - mine));
  }
  if (standing?.expiresAt) {
    const time = new Date(standing.expiresAt).toLocaleTimeString('en-GB', { timeZone: zoneOf(line.timeZone) });
    put(at('until'), fill(text.until, { time }));
    const rest = untilMs(standing.expiresAt, now);
    const minute = state === 'called' && rest <= 60_000 && rest > 50_000;
    if (minute && Date.now() - becameAt > SPOKEN) say(text.say.minute);
  }
}

/**
 * When it will be the visitor's turn, and why not earlier.
 * @param {number} now
 */
function when(now) {
  const enterAt = standing?.estimatedEnterAt;
  if (!enterAt) {
    put(at('when'), text.wait.none);
    put(at('clock'), '');
  } else {
    const wait = waitOf(Math.ceil(Math.max(0, untilMs(enterAt, now)) / 1000), now, zoneOf(line.timeZone));
    const half = wait.unit === 'hours';
    const [low, high] = [wait.low, wait.high].map((n) => (half ? hours(n, text.hours) : n));
    put(at('when'), fill(text.wait[wait.unit], { low: low ?? 0, high: high ?? 0 }));
    put(at('clock'), wait.clock.replace('–', text.range));
  }
  const { pace } = line;
  let why = text.pace.hand;
  if (standing?.estimateReason) why = text.reason[standing.estimateReason];
  else if (pace.one) why = fill(text.pace.measured, { n: group(pace.one) });
  else if (line.autoOpen) why = fill(text.pace.schedule, { n: group(line.groupSize), every: every(line.entryIntervalSeconds, text.every) });
  put(at('why'), why);
}

/** The way from the number that the visitor began with. */
function way() {
  const [entry, number] = [standing?.entryNumber, standing?.queueNumber];
  if (!entry || !number) return;
  const began = beganWith(line.concertId, entry, number);
  at('way').hidden = began < 2;
  const done = Math.floor((100 * (began - number)) / began);
  const bar = /** @type {HTMLElement} */ (at('way').querySelector('i'));
  bar.style.width = `${done}%`;
  put(at('begun'), fill(text.begun_at, { n: group(began) }));
  put(at('done'), fill(text.done, { n: done }));
}

function fresh() {
  const seconds = Math.floor((Date.now() - checkedAt) / 1000);
  const well = link === 'live' || link === 'polling';
  // A socket tells what changes; as long as it is there, nothing else has.
  const recent = well && (link === 'live' || seconds < 10);
  const words = recent ? text.fresh.now : fill(text.fresh.ago, { n: group(seconds || 1) });
  const sign = at('fresh');
  sign.parentElement?.classList.toggle('off', !well);
  put(sign, `${words} · ${text.fresh.kept}`);
}

function notice() {
  at('notice').hidden = !line.notice;
  put(at('notice').querySelector('p'), line.notice ?? '');
}

function tiers() {
  const left = at('left');
  left.hidden = !line.stock || state === 'over';
  if (line.stock) showTiers(left, line.stock.tiers, text);
}

/**
 * Goes to the shop by itself a moment after the visitor's turn was seen.
 * @param {number} now
 */
function move(now) {
  const wanted = state === 'called' && /** @type {HTMLInputElement} */ (at('auto')).checked;
  if (!wanted || document.visibilityState !== 'visible') {
    movesAt = 0;
  } else if (!movesAt) {
    movesAt = now + MOMENT * 1000;
  }
  at('moved').hidden = !movesAt || moving;
  if (!movesAt || moving) return;
  put(at('moved').querySelector('span'), fill(text.said.moved, { n: Math.max(0, Math.ceil((movesAt - now) / 1000)) }));
  if (now >= movesAt) /** @type {HTMLFormElement} */ (at('claim')).requestSubmit();
}

function title() {
  const place = data.inLine.includes(state) && standing?.queueNumber;
  let first = text.heading[state];
  if (place) first = fill(text.title_place, { n: group(place) });
  if (state === 'called') first = text.title_called;
  const whole = `${first} · ${line.concertTitle}`;
  if (document.title !== whole) document.title = whole;
}

function listen() {
  const leaving = /** @type {HTMLDialogElement} */ (at('leaving'));
  const ask = () => {
    const inside = state === 'called' || state === 'entered';
    const n = group(standing?.queueNumber ?? 1);
    const entry = /** @type {HTMLInputElement} */ (at('entry'));
    entry.disabled = !standing?.entryNumber;
    entry.value = String(standing?.entryNumber ?? '');
    put(at('leaving-title'), state === 'entered' ? text.leave_inside : text.leave_ask);
    const warning = { called: text.leave_warn_called, entered: text.leave_warn_inside }[String(state)];
    put(at('leaving-warn'), fill(warning ?? text.leave_warn, { n }));
    put(at('stay-here'), inside ? text.leave_no_inside : text.leave_no);
    leaving.close();
    leaving.showModal();
  };
  at('leave').addEventListener('click', (event) => {
    event.preventDefault();
    ask();
  });
  at('stay-here').addEventListener('click', (event) => {
    event.preventDefault();
    leaving.close();
  });
  if (leaving.open) ask();
  // Only the server knows where to log in.
  at('again').addEventListener('click', () => (link === 'signed-out' ? location.reload() : watch.refresh()));
  at('stay').addEventListener('click', () => {
    auto.checked = false;
    render();
  });
  const auto = /** @type {HTMLInputElement} */ (at('auto'));
  // Once refused, only a click asks again.
  if (data.said === 'not-now') auto.checked = false;
  // What was said is said once, not whenever this address is opened again.
  const address = new URL(location.href);
  address.searchParams.delete('said');
  history.replaceState(null, '', address);
  sendOnce();
  at('claim').addEventListener('submit', () => {
    moving = true;
  });
  addEventListener('pageshow', (event) => {
    if (!event.persisted) return;
    [moving, movesAt] = [false, 0];
    auto.checked = false;
  });
  alertMe(/** @type {HTMLInputElement} */ (at('alert')), text);
  at('wishes').hidden = false;
  document.addEventListener('visibilitychange', () => {
    const hidden = document.visibilityState === 'hidden';
    if (!hidden && hiddenAt && Date.now() - hiddenAt > AWAY && data.inLine.includes(state)) pass(text.said.back);
    hiddenAt = hidden ? Date.now() : 0;
    if (!hidden) render();
  });
}

listen();
render();
setInterval(render, 1000);
