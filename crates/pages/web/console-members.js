// @ts-check
// Looking a member up, removing them, and who stands at the front.

import { api } from './console-api.js';
import { ask } from './console-ask.js';
import { $, failure, make, put, words } from './console-dom.js';
import { refuse } from './console-policy.js';

/** @type {import('./console-figures.js').Line | undefined} */
let line;
/** @type {string | undefined} */
let cursor;

/** @param {import('./console-figures.js').Line} chosen */
export function showMembers(chosen) {
  if (chosen.concertId !== line?.concertId) {
    $('found').replaceChildren();
    $('member').value = '';
    refuse($('member'), '');
  }
  line = chosen;
  front();
}

/** @param {string} [from] */
async function front(from) {
  if (!line) return;
  const { concertId } = line;
  const answer = await api.members(concertId, from);
  if (!answer.ok || concertId !== line.concertId) return;
  const first = from ? $('front').children.length : 0;
  const at = Date.parse(answer.data.at);
  const rows = answer.data.members.map((/** @type {any} */ member, /** @type {number} */ i) => {
    const { memberId, memberName, entryNumber, away } = member;
    const button = make('button', { class: 'plain back' }, memberName || memberId);
    button.addEventListener('click', () => {
      $('member').value = memberId;
      lookUp(memberId);
      $('member').scrollIntoView({ block: 'center' });
    });
    const name = memberName && memberName !== memberId ? memberId : '';
    return make('tr', {}, make('td', { class: 'n' }, words.count(first + i + 1)),
      make('td', {}, button, ...(name ? [make('span', { class: 'small quiet' }, name)] : []),
        ...(away ? [make('span', { class: 'small quiet' }, words.say('away'))] : [])),
      make('td', { class: 'n' }, words.long(at - entryNumber / 1000)));
  });
  if (from) $('front').append(...rows);
  else $('front').replaceChildren(...rows);
  cursor = answer.data.nextCursor;
  $('front-more').hidden = !cursor;
  $('front-none').hidden = $('front').children.length > 0;
}

/** @param {string} member */
async function lookUp(member) {
  if (!line) return;
  refuse($('member'), '');
  const { concertId } = line;
  const answer = await api.member(concertId, member);
  if (concertId !== line.concertId) return;
  if (!answer.ok) {
    $('found').replaceChildren();
    refuse($('member'), failure(answer));
    return;
  }
  $('found').replaceChildren(...standing(member, answer.data));
}

/**
 * @param {string} member
 * @param {any} told
 * @returns {Node[]}
 */
function standing(member, told) {
  /** @type {[string, string][]} */
  const facts = [['status', words.say(`status_${told.status}`)]];
  if (told.queueNumber) facts.push(['place', words.say('place_of', { place: told.queueNumber, of: told.totalWaitingCount })]);
  if (told.estimatedWaitSeconds !== undefined) facts.push(['estimate', words.long(told.estimatedWaitSeconds * 1000)]);
  if (told.expiresAt) facts.push(['until', words.moment(told.expiresAt, undefined, Date.now())]);
  if (told.entryNumber) facts.push(['since', words.moment(new Date(told.entryNumber / 1000).toISOString(), undefined, Date.now())]);
  const list = make('dl', { class: 'figures facts' }, ...facts.map(([name, value]) => make('div', {},
    make('dt', {}, words.say(`member_${name}`)), make('dd', {}, value))));
  const title = make('h3', {}, member);
  const there = !['NOT_IN_QUEUE', 'BOOKING_CLOSED'].includes(told.status);
  if (!there) return [title, list];
  const button = make('button', { class: 'final' }, words.say('act_remove'));
  button.addEventListener('click', () => remove(member, told));
  return [title, list, make('p', {}, button)];
}

/**
 * @param {string} member
 * @param {any} told
 */
function remove(member, told) {
  const { concertId, concertTitle } = /** @type {import('./console-figures.js').Line} */ (line);
  const inside = ['READY', 'ENTERED'].includes(told.status);
  ask({
    title: words.say('ask_remove', { member }),
    about: [words.say('about_concert', { title: concertTitle, id: concertId }), words.say(`status_${told.status}`),
      words.say(inside ? 'about_remove_inside' : 'about_remove')],
    final: true,
    yes: words.say('yes_remove'),
    act: () => api.removeMember(concertId, member),
    done: () => {
      lookUp(member);
      front();
      return words.say('done_remove', { member });
    },
  });
}

$('look-up').addEventListener('submit', (/** @type {SubmitEvent} */ event) => {
  event.preventDefault();
  const member = $('member').value.trim();
  if (member) lookUp(member);
  else refuse($('member'), words.say('member_refused'));
});
$('front-again').addEventListener('click', () => front());
$('front-more').addEventListener('click', () => front(cursor));
put($('front-more'), words.say('more'));
