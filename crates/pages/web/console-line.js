// @ts-check
// The list of lines, and one line in figures.

import { draw } from './console-chart.js';
import { $, make, put, words } from './console-dom.js';
import { inOrder, left, longestWait, lost, overCap, rate } from './console-figures.js';
import { address } from './console-route.js';

/** @typedef {import('./console-figures.js').Line} Line */
/** @typedef {import('./console-figures.js').History} History */

/**
 * Returns the word for a line's state.
 * @param {Line} line
 */
function stateOf({ mode, state, soldOut }) {
  if (state === 'open' && soldOut) return 'sold_out';
  return state === 'open' && mode === 'off' ? 'off' : state;
}

/**
 * @param {HTMLElement} element
 * @param {Line} line
 */
function putState(element, line) {
  const state = stateOf(line);
  put(element, words.say(`state_${state}`));
  element.dataset.state = state;
}

/** @type {Map<string, HTMLElement>} */
const rows = new Map();
/** The line whose row was brought into view. @type {string | undefined} */
let inView;

/** @param {Line} line */
function row({ concertId }) {
  const made = make('tr', { 'data-line': concertId },
    make('td', {}, make('a', { href: address(concertId) }), make('span', { class: 'state' })),
    make('td', { class: 'n' }), make('td', { class: 'n' }));
  rows.set(concertId, made);
  return made;
}

/**
 * Shows every line; only what has changed is drawn.
 * @param {Line[]} lines
 * @param {string | undefined} chosen
 */
export function showLines(lines, chosen) {
  const shown = inOrder(lines, words.language).map((line) => {
    const tr = rows.get(line.concertId) ?? row(line);
    const [name, waiting, inside] = /** @type {any} */ (tr.children);
    const [link, state] = name.children;
    put(link, line.concertTitle);
    putState(state, line);
    put(waiting, words.count(line.counts.waiting + line.counts.away));
    put(inside, words.count(line.counts.inside));
    tr.dataset.at = line.at;
    tr.toggleAttribute('aria-current', line.concertId === chosen);
    if (line.concertId === chosen) tr.setAttribute('aria-current', 'true');
    return tr;
  });
  for (const id of rows.keys()) if (!lines.some((line) => line.concertId === id)) rows.delete(id);
  const body = $('lines');
  const same = shown.length === body.children.length && shown.every((tr, i) => tr === body.children[i]);
  if (!same) body.replaceChildren(...shown);
  $('no-lines').hidden = lines.length > 0;
  if (chosen !== inView) {
    inView = chosen;
    rows.get(chosen ?? '')?.scrollIntoView({ block: 'nearest' });
  }
}

/**
 * Shows whether the sums hold, and what is up.
 * @param {Line[]} lines
 * @param {Record<string, string>} health
 * @param {number} letters  How many dead letters there are.
 */
export function showZeros(lines, health, letters) {
  const sum = (/** @type {(line: Line) => number} */ of) => lines.reduce((all, line) => all + of(line), 0);
  const down = Object.entries(health).filter(([, word]) => word !== 'up');
  /** @type {[string, number | string][]} */
  const zeros = [['lost', sum(lost)], ['disorder', sum((line) => line.outOfOrder)], ['over', sum(overCap)], ...(letters ? [/** @type {[string, number]} */ (['letters', letters])] : []), ...(down.length ? down : [/** @type {[string, string]} */ (['parts', 'up'])])];
  const list = $('zeros');
  while (list.children.length > zeros.length) list.lastElementChild?.remove();
  zeros.forEach(([name, value], i) => {
    const item = list.children[i] ?? list.appendChild(make('li', {}, make('span'), make('b')));
    put(item.children[0], words.say(`zero_${name}`));
    put(item.children[1], typeof value === 'number' ? words.count(value) : words.say(value));
    item.classList.toggle('off', value !== 0 && value !== 'up');
  });
}

/**
 * Shows one line in figures.
 * @param {Line} line
 * @param {History} history
 */
export function showLine(line, history) {
  const { counts, totals, maxActive, mode } = line;
  const capped = maxActive !== undefined && mode !== 'off';
  figures([
    ['waiting', words.count(counts.waiting + counts.away), counts.away ? words.say('of_them_away', { n: counts.away }) : ''],
    ['called', words.count(counts.ready), ''],
    ['inside', words.count(counts.inside), capped ? words.say('of_slots', { slots: counts.slots, max: maxActive }) : ''],
    ['rate', words.count(rate(line, history)), ''],
    ['longest', words.long(longestWait(line)), ''],
    ...(left(line) === undefined ? [] : [/** @type {[string, string, string]} */ (['left', words.count(left(line)), ''])]),
  ]);
  const gone = totals.left + totals.lapsed + totals.unclaimed + totals.expired + totals.exited;
  put($('totals'), words.say('totals', { admitted: totals.admitted, completed: totals.completed, gone }));
  tiers(line);
  draw(history);
}

/** @param {[string, string, string][]} all */
function figures(all) {
  const list = $('figures');
  while (list.children.length > all.length) list.lastElementChild.remove();
  all.forEach(([name, value, more], i) => {
    const item = list.children[i] ?? list.appendChild(make('div', {}, make('dt'), make('dd', {}, make('span'), ' ', make('small'))));
    put(item.children[0], words.say(`figure_${name}`));
    put(item.children[1].children[0], value);
    put(item.children[1].children[1], more);
  });
}

/** @param {Line} line */
function tiers({ stock }) {
  $('tiers-card').hidden = !stock;
  const shown = (stock?.tiers ?? []).map(({ name, left: many }) => make('li', {},
    make('span', {}, name), make('b', {}, many ? words.say('tier_left', { n: many }) : words.say('tier_gone'))));
  if ($('tiers').textContent !== shown.map((item) => item.textContent).join('')) $('tiers').replaceChildren(...shown);
}

/**
 * Shows what every view of a line begins with.
 * @param {Line} line
 * @param {Record<string, any> | undefined} concert
 * @param {number} now
 */
export function showHead(line, concert, now) {
  put($('line-title'), line.concertTitle);
  putState($('line-state'), line);
  const notice = concert?.notice ?? '';
  put($('line-notice'), notice);
  $('line-notice').hidden = notice === '';
  put($('line-pace'), concert ? paceOf(line, concert, now) : '');
}

/**
 * Returns in one line how a sale is run.
 * @param {Line} line
 * @param {Record<string, any>} concert
 * @param {number} now
 */
function paceOf(line, concert, now) {
  const { groupSize, entryIntervalSeconds, maxActive, bookingStartAt, bookingEndAt, timeZone, mode, autoOpen } = concert;
  const at = (/** @type {string} */ moment) => words.moment(moment, timeZone, now);
  const parts = [
    mode === 'off' ? words.say('pace_off')
      : autoOpen ? words.say('pace_every', { people: words.say('people', { n: groupSize }), every: words.every(entryIntervalSeconds) })
        : words.say('pace_by_hand'),
    maxActive !== undefined && mode !== 'off' ? words.say('pace_most', { max: maxActive }) : '',
    bookingStartAt && ['early', 'before'].includes(line.state) ? words.say('pace_from', { at: at(bookingStartAt) }) : '',
    bookingEndAt ? words.say('pace_until', { at: at(bookingEndAt) }) : '',
    line.held === 'maxActive' ? words.say('pace_full') : '',
  ];
  return parts.filter(Boolean).join(' · ');
}
