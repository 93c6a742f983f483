// @ts-check
// What the console makes of lines, times, policies and addresses.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  Calls, History, busiest, facts, inOrder, left, longestWait, lost, overCap, rate, troubles,
} from '../../../pages/web/console-figures.js';
import { changes, fieldOf, meant, shown, stands } from '../../../pages/web/console-policy.js';
import { address, parse } from '../../../pages/web/console-route.js';
import { toMoment, toWall } from '../../../pages/web/console-time.js';
import { Words } from '../../../pages/web/console-words.js';

/** @typedef {import('../../../pages/web/console-figures.js').Line} Line */

/**
 * @param {Partial<Line>} line
 * @param {Partial<Line['counts']>} counts
 * @param {Partial<Line['totals']>} totals
 * @returns {Line}
 */
function line(line = {}, counts = {}, totals = {}) {
  return {
    concertId: 'c', concertTitle: 'Concert', mode: 'queue', state: 'open', version: 1, addsUp: true, outOfOrder: 0,
    at: '2026-12-24T11:00:00.000Z', pace: { one: 0, five: 0, fifteen: 0 },
    ...line,
    counts: { waiting: 0, away: 0, admitting: 0, ready: 0, inside: 0, slots: 0, ...counts },
    totals: {
      joined: 0, admitted: 0, left: 0, removed: 0, lapsed: 0, cleared: 0, unclaimed: 0, expired: 0,
      completed: 0, exited: 0, ...totals,
    },
  };
}

test('nobody is lost while both sums hold, and each missing entry counts', () => {
  const counts = { waiting: 2, away: 1, admitting: 3, ready: 1, inside: 4, slots: 8 };
  const totals = {
    joined: 20, admitted: 11, left: 1, removed: 1, lapsed: 1, cleared: 0,
    unclaimed: 1, expired: 1, completed: 3, exited: 1,
  };
  assert.equal(lost(line({}, counts, totals)), 0);
  assert.equal(lost(line({}, { ...counts, waiting: 0 }, totals)), 2);
  assert.equal(lost(line({}, { ...counts, inside: 3 }, totals)), 1);
});

test('slots beyond the cap count, where there is a cap', () => {
  assert.equal(overCap(line({ maxActive: 10 }, { slots: 10 })), 0);
  assert.equal(overCap(line({ maxActive: 10 }, { slots: 13 })), 3);
  assert.equal(overCap(line({}, { slots: 13 })), 0);
  assert.equal(overCap(line({ mode: 'off', maxActive: 10 }, { slots: 13 })), 0);
});

test('the longest wait is that of the first in line', () => {
  const head = Date.parse('2026-12-24T10:46:00.000Z') * 1000;
  assert.equal(longestWait(line({ head })), 14 * 60_000);
  assert.equal(longestWait(line()), undefined);
});

test('what is left is the sum of all price tiers', () => {
  const stock = { tiers: [{ name: 'R', left: 12 }, { name: 'S', left: 30 }], reportedAt: '' };
  assert.equal(left(line({ stock })), 42);
  assert.equal(left(line()), undefined);
});

test('lines are in the order of their titles, sales that are over last', () => {
  const of = (/** @type {string} */ concertTitle, /** @type {Line['state']} */ state = 'open') => line({ concertTitle, state });
  const lines = [of('나'), of('Concert 10'), of('Concert 2'), of('가', 'closed'), of('다', 'paused')];
  const titles = inOrder(lines, 'ko').map((line) => line.concertTitle);
  assert.deepEqual(titles, ['나', '다', 'Concert 2', 'Concert 10', '가']);
});

test('the busiest line is the one in which most wait, away or not, else the first that has a line', () => {
  const lines = [
    line({ concertId: 'b', concertTitle: 'B' }, { waiting: 2 }), line({ concertId: 'a', concertTitle: 'A', mode: 'off' }),
    line({ concertId: 'c', concertTitle: 'C' }, { waiting: 1, away: 2 }),
  ];
  assert.equal(busiest(lines, 'en').concertId, 'c');
  assert.equal(busiest(lines.slice(0, 2), 'en').concertId, 'b');
  const of = (/** @type {string} */ concertId, /** @type {Partial<Line>} */ more = {}) => line({ concertId, concertTitle: concertId, ...more });
  assert.equal(busiest([of('z'), of('b'), of('a', { mode: 'off' })], 'en').concertId, 'b');
  assert.equal(busiest([of('z', { state: 'closed' }), of('a', { mode: 'off' })], 'en').concertId, 'a');
});

test('the admitted a minute are the pace of the line until they are known, but not where some walk straight in', () => {
  const pace = { one: 7, five: 0, fifteen: 0 };
  const history = new History();
  assert.equal(rate(line({ pace }), history), 7);
  assert.equal(rate(line({ pace, mode: 'off' }), history), null);
  assert.equal(rate(line({ pace, mode: 'threshold' }), history), null);
  for (let second = 0; second < 70; second += 1) history.add(line({}, {}, { admitted: second * 2 }), second * 1000);
  assert.equal(rate(line({ pace, mode: 'off' }), history), 120);
});

test('an act is told field by field in the order of the form, with what was before', () => {
  const detail = { groupSize: 20, admitted: 3, batchSize: 5, title: null, before: { groupSize: 10, title: null } };
  assert.deepEqual(facts(detail, ['title', 'groupSize', 'batchSize']), [
    { field: 'title', now: null, old: null }, { field: 'groupSize', now: 20, old: 10 },
    { field: 'batchSize', now: 5 }, { field: 'admitted', now: 3 },
  ]);
  assert.deepEqual(facts({}, []), []);
});

test('the admitted a minute are known after a minute, and counted over one', () => {
  const history = new History();
  for (let second = 0; second < 60; second += 1) history.add(line({}, {}, { admitted: second * 2 }), second * 1000);
  assert.equal(history.rate(), null);
  for (let second = 60; second < 200; second += 1) history.add(line({}, {}, { admitted: second * 2 }), second * 1000);
  assert.equal(history.rate(), 120);
});

test('a history keeps half an hour in steps of five seconds', () => {
  const history = new History();
  for (let second = 0; second < 4_000; second += 1) history.add(line({}, { waiting: second }), second * 1000);
  assert.ok(history.points.length > 355 && history.points.length < 365, `${history.points.length}`);
  assert.equal(history.columns().at.at(-1), 3_999);
  assert.equal(history.columns().waiting.at(-1), 3_999);
});

test('a curve is broken where nothing was known, and begun anew for a concert made anew', () => {
  const history = new History();
  history.add(line({}, { waiting: 5 }, { admitted: 9 }), 0);
  history.add(line({}, { waiting: 6 }, { admitted: 9 }), 10_000);
  history.add(line({}, { waiting: 7 }, { admitted: 9 }), 60_000);
  assert.deepEqual(history.columns().waiting, [5, 6, null, 7]);
  history.add(line({}, { waiting: 1 }, { admitted: 0 }), 65_000);
  assert.deepEqual(history.columns().waiting, [1]);
});

test('the taken whom nobody calls are noticed after three seconds, and forgotten at the next call', () => {
  const calls = new Calls();
  const taken = (/** @type {number} */ admitted, admitting = 3) => line({}, { admitting }, { admitted });
  assert.equal(calls.stuck(taken(7), 0), 0);
  assert.equal(calls.stuck(taken(7), 2_999), 0);
  assert.equal(calls.stuck(taken(7), 3_000), 3_000);
  assert.equal(calls.stuck(taken(8), 6_000), 0);
  assert.equal(calls.stuck(taken(8, 0), 20_000), 0);
  assert.equal(calls.stuck(taken(8), 21_000), 0);
});

test('troubles are told once for each kind, those that somebody must act on first', () => {
  const lines = [
    line({ concertTitle: 'A', soldOut: true }), line({ concertTitle: 'B', soldOut: true, held: 'soldOut' }),
    line({ concertTitle: 'C', held: 'tokenAway' }), line({ concertTitle: 'D', state: 'paused', held: 'paused' }),
    line({ concertTitle: 'E', held: 'maxActive', outOfOrder: 2 }), line({ concertTitle: 'F', held: 'messages' }, { admitting: 7 }, { joined: 7 }),
  ];
  const found = troubles(lines, { broker: 'down', database: 'up' }, () => 0);
  assert.deepEqual(found.map(({ word, bad, lines }) => [word, bad, lines]), [
    ['disorder', true, ['E']], ['broker_down', true, []], ['held_tokenAway', true, ['C']], ['stuck', true, ['F']], ['sold_out', false, ['A', 'B']],
  ]);
  assert.deepEqual(troubles([line()], { broker: 'up' }, () => 0), []);
});

test('dead letters are told with their number, before what nobody has to do anything about', () => {
  const found = troubles([line({ soldOut: true })], { broker: 'up' }, () => 0, { letters: 3 });
  assert.deepEqual(found.map(({ word, bad, values }) => [word, bad, values.many]), [['letters', false, 3], ['sold_out', false, 0]]);
});

test('blind gates are told by what they do meanwhile, those that let everybody in first', () => {
  const said = (/** @type {import('../../../pages/web/console-figures.js').Counted} */ counted) => troubles([line()], { broker: 'up' }, () => 0, counted)
    .map(({ word, bad, values }) => [word, bad, values.many]);
  assert.deepEqual(said({ gates: { open: 1, closed: 2 } }), [['gates_open', true, 1], ['gates_closed', true, 2]]);
  assert.deepEqual(said({ gates: { open: 0, closed: 0 } }), []);
});

test('a moment is shown as the wall clock of its zone, and read back as the same moment', () => {
  assert.equal(toWall('2026-12-24T11:00:00.000Z', 'Asia/Seoul'), '2026-12-24T20:00');
  assert.equal(toWall('2026-12-24T11:00:07.000Z', 'Asia/Seoul'), '2026-12-24T20:00:07');
  for (const zone of ['Asia/Seoul', 'UTC', 'America/New_York', 'Australia/Lord_Howe', 'Pacific/Apia']) {
    for (const moment of ['2026-03-08T06:59:00.000Z', '2026-07-01T00:00:00.000Z', '2026-12-31T23:59:59.000Z']) {
      assert.equal(toMoment(toWall(moment, zone), zone), moment, `${zone} ${moment}`);
    }
  }
  assert.throws(() => toWall('2026-12-24T11:00:00.000Z', 'Asia/Nowhere'), RangeError);
});

test('a time that the clocks skip is read as the one after the gap, one that comes twice as the first', () => {
  assert.equal(toMoment('2026-03-08T02:30', 'America/New_York'), '2026-03-08T07:30:00.000Z');
  assert.equal(toMoment('2026-11-01T01:30', 'America/New_York'), '2026-11-01T05:30:00.000Z');
});

test('what is no number stays as it was typed, so that the API refuses it by name', () => {
  assert.equal(meant('number', '1,200', ''), 1200);
  assert.equal(meant('number', ' ', ''), null);
  assert.equal(meant('number', '2.5', ''), '2.5');
  assert.equal(meant('number', 'ten', ''), 'ten');
  assert.equal(meant('lines', ' a\r\nb ', ''), 'a\nb');
  assert.equal(meant('switch', false, ''), false);
  assert.equal(shown('number', undefined, ''), '');
  assert.equal(shown('switch', true, ''), true);
});

test('a moment that was not touched stays, also one that the wall clock shows twice', () => {
  const twice = { timeZone: 'Europe/Berlin', bookingStartAt: '2027-10-31T01:30:00.500Z' };
  assert.notEqual(toMoment('2027-10-31T02:30', 'Europe/Berlin'), twice.bookingStartAt);
  assert.ok(stands(twice, 'bookingStartAt', '2027-10-31T02:30', 'Europe/Berlin'));
  assert.ok(!stands(twice, 'bookingStartAt', '2027-10-31T02:31', 'Europe/Berlin'));
  assert.ok(!stands(twice, 'bookingStartAt', '2027-10-31T02:30', 'Asia/Seoul'));
  assert.ok(!stands(undefined, 'bookingStartAt', '2027-10-31T02:30', 'Europe/Berlin'));
});

test('only changed fields are sent', () => {
  const policy = { groupSize: 20, notice: undefined, bookingStartAt: '2026-12-24T11:00:00.000Z', autoOpen: true };
  const said = { groupSize: 30, notice: null, bookingStartAt: '2026-12-24T11:00:00.000Z', autoOpen: true };
  assert.deepEqual(changes(policy, said), { groupSize: 30 });
  assert.deepEqual(changes({ title: 'Tour 1 Z' }, { title: 'Trip 1 Z' }), { title: 'Trip 1 Z' });
  assert.deepEqual(changes({ title: '2026' }, { title: '2026-01-01' }), { title: '2026-01-01' });
});

test('a code names the field that it is about', () => {
  assert.equal(fieldOf('INVALID_GROUP_SIZE'), 'groupSize');
  assert.equal(fieldOf('INVALID_TITLE'), 'title');
  assert.equal(fieldOf('STORE_DOWN'), '');
});

test('an address leads back to what it was made for, and a strange one to the lines', () => {
  for (const view of /** @type {const} */ (['line', 'policy', 'members', 'record'])) {
    assert.deepEqual(parse(address('winter-24', view)), { view, concert: 'winter-24' });
  }
  assert.deepEqual(parse('#/new'), { view: 'new' });
  for (const strange of ['', '#', '#/', '#/lines', '#/lines/', '#/lines/a b', '#/lines/<b>', '#/else']) {
    assert.deepEqual(parse(strange), { view: 'none' }, strange);
  }
});

test('texts have one or many, and grouped numbers', () => {
  const words = new Words({ people: '1 person|{n} people', seconds: '1 s|{n} s', minutes: '1 min|{n} min', hours: '1 h|{n} h' }, 'en');
  assert.equal(words.say('people', { n: 1 }), '1 person');
  assert.equal(words.say('people', { n: 1_234 }), '1,234 people');
  assert.equal(words.long(99_000), '99 s');
  assert.equal(words.long(14 * 60_000), '14 min');
  assert.equal(words.long(150 * 60_000), '3 h');
  assert.equal(words.long(undefined), '–');
  assert.deepEqual([1, 90, 1_800].map((seconds) => words.every(seconds)), ['1 s', '90 s', '30 min']);
  const korean = new Words({ people: '{n}명' }, 'ko');
  assert.equal(korean.say('people', { n: 1 }), '1명');
});

test('a moment of another day is told with its day', () => {
  const words = new Words({}, 'en');
  const now = Date.parse('2026-12-24T03:00:00.000Z');
  assert.equal(words.moment('2026-12-24T11:00:00.000Z', 'Asia/Seoul', now), '20:00');
  assert.equal(words.moment('2026-12-24T16:00:00.000Z', 'Asia/Seoul', now), '25 Dec 01:00');
  // A zone that this browser does not know ends nothing.
  assert.equal(words.moment('2026-12-24T16:00:00.000Z', 'Asia/Nowhere', now), '16:00 UTC');
});
