// @ts-check
// Dead letters: messages that no consumer could handle.

import { api } from './console-api.js';
import { ask } from './console-ask.js';
import { $, failure, make, put, words } from './console-dom.js';

/**
 * A dead letter as `GET /v2/admin/dead-letters` answers it.
 * @typedef {object} Letter
 * @property {string} [concertId]  Left out, with the next two, if the body is not an ENTER message.
 * @property {string} [memberId]
 * @property {number} [entryNumber]
 * @property {string} [reason]
 * @property {string} [diedAt]
 * @property {number} bodyBytes
 * @property {string} [body]
 */

/** How many are shown, and how many an act reaches. */
const SHOWN = 100;
const REACH = 1_000;
/** From this length on, a body is cut off. */
const CUT = 2_000;

/** @type {Letter[]} */
let letters = [];
let total = 0;
let reading = false;
/** How many there are, as told last. @type {number | undefined} */
let told;
/** @type {(concertId: string) => string | undefined} */
let titleOf = () => undefined;

/**
 * Shows the oldest.
 * @param {(concertId: string) => string | undefined} titles
 */
export function showLetters(titles) {
  titleOf = titles;
  read();
}

/**
 * Reads them again when it is told another number than the one shown. What is told may be some seconds old.
 * @param {number | undefined} count
 */
export function learnLetters(count) {
  if (reading || count === told) return;
  told = count;
  if (count !== undefined && count !== total) read();
}

async function read() {
  if (reading) return;
  reading = true;
  const answer = await api.letters(SHOWN);
  reading = false;
  put($('letters-refused'), answer.ok ? '' : failure(answer));
  if (!answer.ok) return;
  letters = answer.data.deadLetters;
  total = answer.data.total;
  $('letters').replaceChildren(...letters.map(item));
  $('letters-none').hidden = total > 0;
  $('letters-some').hidden = total <= letters.length;
  put($('letters-some'), words.say('letters_some', { n: letters.length, total }));
  // Whoever acted from there reads on in the list.
  if (total === 0 && $('letters-acts').contains(document.activeElement)) $('view').focus({ preventScroll: true });
  $('letters-acts').hidden = total === 0;
  $('letters-repeat').hidden = total <= letters.length && !letters.some(isEnter);
}

/** @param {Letter} letter */
const isEnter = ({ concertId }) => concertId !== undefined;

/** @param {Letter} letter */
function item({ concertId, memberId, entryNumber, reason, diedAt, bodyBytes, body }) {
  const why = !reason ? '' : words.has(`reason_${reason}`) ? words.say(`reason_${reason}`) : reason;
  const title = concertId === undefined ? words.say('not_enter') : titleOf(concertId) ?? concertId;
  const whose = concertId === undefined ? [] : [make('p', {},
    words.say('letter_of', { member: String(memberId), number: String(entryNumber) }))];
  const text = body === undefined ? words.say('letter_no_text') : body;
  return make('li', {},
    make('p', {}, make('b', {}, title), ...(titleOf(concertId ?? '') ? [' ', make('span', { class: 'quiet' }, concertId ?? '')] : [])),
    ...whose,
    make('p', { class: 'small quiet' },
      ...(diedAt ? [make('time', { datetime: diedAt }, words.stamp(diedAt))] : []), diedAt && why ? ' · ' : '', why),
    make('details', {},
      make('summary', { class: 'small' }, words.say('letter_body', { n: bodyBytes })),
      make('pre', { class: 'small' }, text),
      ...(body && [...body].length >= CUT ? [make('p', { class: 'small quiet' }, words.say('letter_cut'))] : [])));
}

/** Returns how many an act concerns. */
const concerned = () => Math.min(total, REACH);

function repeat() {
  const n = concerned();
  const all = letters.length === total;
  const garbage = letters.filter((letter) => !isEnter(letter)).length;
  ask({
    title: words.say('ask_repeat', { n }),
    about: [
      ...(all && garbage ? [words.say('about_garbage', { n: garbage })] : []),
      words.say('about_repeat'),
      ...(n < total ? [words.say('about_reach', { n, total })] : []),
    ],
    yes: words.say('yes_repeat'),
    act: () => api.repeatLetters(n),
    done: ({ data }) => {
      read();
      return [
        words.say('done_repeat', { n: data.repeated }),
        ...(data.unrepeatable ? [words.say('done_unrepeatable', { n: data.unrepeatable })] : []),
        ...(data.unconfirmed ? [words.say('done_unconfirmed', { n: data.unconfirmed })] : []),
      ].join(' ');
    },
  });
}

function remove() {
  const n = concerned();
  ask({
    title: words.say('ask_empty', { n }),
    about: [words.say('about_empty'), ...(n < total ? [words.say('about_reach', { n, total })] : [])],
    final: true,
    yes: words.say('yes_empty'),
    act: () => api.removeLetters(n),
    done: ({ data }) => {
      read();
      return words.say('done_empty', { n: data.removed });
    },
  });
}

$('letters-again').addEventListener('click', () => read());
$('letters-repeat').addEventListener('click', repeat);
$('letters-remove').addEventListener('click', remove);
