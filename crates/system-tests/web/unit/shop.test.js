// @ts-check
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Basket } from '../../../pages/web/shop-basket.js';
import { Clock, moment, written } from '../../../pages/web/shop-clock.js';
import { Layout, free, moved, sections } from '../../../pages/web/shop-layout.js';
import { Live } from '../../../pages/web/shop-live.js';
import { Mine } from '../../../pages/web/shop-mine.js';
import { Payment } from '../../../pages/web/shop-payment.js';
import { Sale } from '../../../pages/web/shop-sale.js';

/** @typedef {import('../../../pages/web/shop-layout.js').Seat} Seat */

/** @param {string} section @param {number} rows @param {number} columns @param {number} price @returns {Seat[]} */
function block(section, rows, columns, price) {
  return Array.from({ length: rows * columns }, (_, index) => {
    const [row, number] = [Math.floor(index / columns) + 1, (index % columns) + 1];
    return { seatId: `c.${section}.${row}.${number}`, section, row, number, price, state: 'AVAILABLE' };
  });
}

const standing = { ticketId: 'standing', name: 'Standing', price: 500, quantity: 10, remaining: 3 };

test('time that is left is rounded up and never negative', () => {
  const shown = [0, 1, 1_000, 59_001, 60_000, 581_000, 3_723_000].map(written);
  assert.deepEqual(shown, ['0:00', '0:01', '0:01', '1:00', '1:00', '9:41', '1:02:03']);
  let own = 5_000;
  const clock = new Clock(100_000, 5_000, () => own);
  assert.equal(clock.left(103_000), 3_000);
  own += 4_000;
  assert.equal(clock.left(103_000), 0);
});

test('a moment is told as the server tells it, in the concert’s time zone', () => {
  const at = Date.parse('2026-09-24T15:05:00Z');
  assert.equal(moment(at, 'Asia/Seoul', 'ko'), '9월 25일 (금) 00:05');
  assert.equal(moment(at, 'Asia/Seoul', 'en'), 'Fri 25 Sep, 00:05');
  assert.equal(moment(at, 'America/New_York', 'en'), 'Thu 24 Sep, 11:05');
});

test('a hall is its sections in the planned order, each a rectangle of seats', () => {
  const seats = [...block('A', 2, 3, 100), ...block('R', 1, 2, 300)];
  seats[1].state = 'SOLD';
  const hall = sections(seats, ['R', 'A', 'gone']);
  assert.deepEqual(hall.map((section) => [section.name, section.price, section.rows.length, section.columns, free(section)]),
    [['R', 300, 1, 2, 2], ['A', 100, 2, 3, 5]]);
  assert.equal(hall[1].rows[1][2].seatId, 'c.A.2.3');
});

test('a row fits where a mouse points, and a finger gets 44 pixels and scrolls', () => {
  const [section] = sections(block('R', 10, 20, 1), ['R']);
  assert.deepEqual([new Layout(section, 720, true).pitch, new Layout(section, 720, true).width], [36, 720]);
  assert.equal(new Layout(section, 4_000, true).pitch, 44, 'seats do not grow beyond what a finger needs');
  assert.equal(new Layout(section, 280, true).pitch, 44, 'seats that would be too small scroll');
  assert.equal(new Layout(section, 720, false).pitch, 44);
});

test('only what is visible of 20,000 seats is drawn', () => {
  const [section] = sections(block('R', 100, 200, 1), ['R']);
  const layout = new Layout(section, 390, false);
  const part = layout.within({ left: 2_000, top: 1_000, width: 390, height: 600 });
  assert.ok((part.right - part.left) * (part.bottom - part.top) < 450, JSON.stringify(part));
  assert.ok(layout.x(part.left) <= 2_000 && layout.x(part.right) >= 2_390);
  for (let column = part.left; column < part.right; column += 1) {
    assert.ok(layout.y(part.top, column) <= 1_000 && layout.y(part.bottom, column) >= 1_600);
  }
  const whole = layout.within({ left: 0, top: 0, width: 100_000, height: 100_000 });
  assert.deepEqual(whole, { top: 0, bottom: 100, left: 0, right: 200 });
});

test('arrow keys move within the section and stop at its edges', () => {
  const [section] = sections(block('R', 10, 20, 1), ['R']);
  const from = (/** @type {string} */ key, row = 0, column = 0) => moved(key, { row, column }, section);
  assert.deepEqual(from('ArrowRight'), { row: 0, column: 1 });
  assert.deepEqual(from('ArrowLeft'), { row: 0, column: 0 });
  assert.deepEqual(from('ArrowUp', 3, 4), { row: 2, column: 4 });
  assert.deepEqual(from('PageDown', 3, 4), { row: 8, column: 4 });
  assert.deepEqual(from('PageDown', 8, 4), { row: 9, column: 4 });
  assert.deepEqual(from('Home', 3, 4), { row: 3, column: 0 });
  assert.deepEqual(from('End', 3, 4), { row: 3, column: 19 });
  assert.equal(from('Tab'), null);
});

test('a basket counts, sums and ends with its first hold', () => {
  const basket = new Basket(4);
  const [one, other] = block('R', 1, 2, 1_000);
  assert.deepEqual([basket.count, basket.sum, basket.end, basket.room, basket.order()], [0, 0, null, 4, {}]);
  basket.hold(one, 90);
  basket.hold(other, 60);
  assert.equal(basket.take(standing, 5), 2, 'the limit counts seats and tickets together');
  assert.deepEqual([basket.count, basket.sum, basket.end, basket.room], [4, 3_000, 60, 0]);
  assert.deepEqual(basket.order(), { seatIds: [one.seatId, other.seatId], tickets: [{ ticketId: 'standing', quantity: 2 }] });
  assert.deepEqual(basket.expire(60).map((seat) => seat.seatId), [other.seatId]);
  assert.equal(basket.take(standing, 5), 3, 'no more than are left');
  assert.equal(basket.take(standing, -1), 0);
  assert.deepEqual(basket.order(), { seatIds: [one.seatId] });
});

test('what was bought before counts towards the limit', () => {
  const basket = new Basket(4);
  basket.bought = 3;
  assert.equal(basket.take(standing, 3), 1);
  basket.bought = 9;
  assert.equal(basket.room, 0);
});

/** A sale of two rows of two seats and of standing tickets. */
function opened(/** @type {import('../../../pages/web/shop-sale.js').MySeat[]} */ mine = [], /** @type {import('../../../pages/web/shop-sale.js').Booked[]} */ bookings = []) {
  const sale = new Sale();
  const concert = { perMemberLimit: 4, sections: [{ section: 'R' }], tickets: [{ ...standing }] };
  sale.open(concert, { at: 'then', seats: block('R', 2, 2, 1_000) }, mine, bookings);
  return sale;
}

test('a sale knows what is mine, what I paid for, and how much I may still have', () => {
  const sale = opened(
    [{ seatId: 'c.R.1.1', state: 'HELD', holdEndsAt: '2026-11-20T05:00:00Z' }, { seatId: 'c.R.1.2', state: 'SOLD' }],
    [{ concertId: 'c', state: 'CONFIRMED', tickets: [{ ...standing, quantity: 1 }] }],
  );
  const state = (/** @type {string} */ id) => sale.state(/** @type {Seat} */ (sale.seats.get(id)));
  assert.deepEqual([state('c.R.1.1'), state('c.R.1.2'), state('c.R.2.1')], ['mine', 'bought', 'free']);
  assert.equal(sale.room, 1, 'of four, two are bought and one is held');
  sale.asking.add('c.R.2.1');
  assert.deepEqual([state('c.R.2.1'), sale.room], ['asking', 0]);
});

test('what others take and give back changes the map, but not what I am being given', () => {
  const sale = opened();
  sale.asking.add('c.R.1.1');
  sale.change(['c.R.1.1', 'c.R.1.2', 'nowhere'], 'HELD');
  sale.read({ at: 'later', changed: [{ seatId: 'c.R.2.1', state: 'SOLD' }] }, Date.now());
  const states = [...sale.seats.values()].map((seat) => sale.state(seat));
  assert.deepEqual(states, ['asking', 'held', 'sold', 'free']);
  assert.equal(sale.at, 'later');
  sale.asking.clear();
  sale.hold({ seatIds: ['c.R.1.1'], holdEndsAt: '2026-11-20T05:00:00Z' });
  assert.equal(sale.basket.count, 1);
  assert.deepEqual(sale.expire(Date.parse('2026-11-20T05:00:00Z')).map((seat) => seat.seatId), ['c.R.1.1']);
  assert.equal(sale.basket.count, 0);
});

test('a map that is older than what was heard does not undo it', () => {
  const sale = opened();
  let now = 10_000;
  sale.now = () => now;
  sale.change(['c.R.1.1'], 'HELD');
  const state = () => sale.state(/** @type {Seat} */ (sale.seats.get('c.R.1.1')));
  const map = { at: 'later', changed: [{ seatId: 'c.R.1.1', state: /** @type {const} */ ('AVAILABLE') }] };
  now += 500;
  sale.read(map, now);
  assert.equal(state(), 'held');
  now += 15_000;
  sale.read(map, now);
  assert.equal(state(), 'free');
});

test('what I chose in another window is mine here, and what I put back there is not', () => {
  const sale = opened();
  const state = (/** @type {string} */ id) => sale.state(/** @type {Seat} */ (sale.seats.get(id)));
  const held = (/** @type {string} */ seatId) => ({ seatId, state: /** @type {const} */ ('HELD'), holdEndsAt: '2026-11-20T05:00:00Z' });
  sale.hold({ seatIds: ['c.R.2.1', 'c.R.1.2'], holdEndsAt: '2026-11-20T05:00:00Z' });
  assert.equal(sale.change(['c.R.1.1'], 'HELD'), false, 'it may be anybody’s');
  sale.own([held('c.R.1.1'), held('c.R.2.1')]);
  assert.deepEqual(['c.R.1.1', 'c.R.1.2', 'c.R.2.1'].map(state), ['mine', 'held', 'mine']);
  assert.deepEqual([...sale.basket.seats.keys()], ['c.R.2.1', 'c.R.1.1'], 'what was there stays where it was');
  sale.own([{ seatId: 'c.R.2.1', state: 'SOLD' }]);
  assert.deepEqual([state('c.R.2.1'), sale.basket.count, sale.basket.bought], ['bought', 0, 1]);
  sale.own([]);
  assert.deepEqual([state('c.R.2.1'), sale.basket.bought], ['held', 0], 'a booking can be cancelled');
});

test('of what is announced, only what contradicts which are mine is a reason to ask', () => {
  const sale = opened();
  sale.asking.add('c.R.1.1');
  assert.equal(sale.change(['c.R.1.1'], 'HELD'), false, 'the answer tells');
  sale.asking.clear();
  sale.hold({ seatIds: ['c.R.1.1'], holdEndsAt: '2026-11-20T05:00:00Z' });
  assert.equal(sale.change(['c.R.1.1', 'c.R.1.2'], 'HELD'), false, 'my own hold, and somebody else’s');
  assert.equal(sale.change(['c.R.1.2'], 'AVAILABLE'), false);
  assert.equal(sale.change(['c.R.1.1'], 'AVAILABLE'), true, 'put back in another window');
  sale.own([{ seatId: 'c.R.2.2', state: 'SOLD' }]);
  assert.equal(sale.change(['c.R.2.2'], 'AVAILABLE'), false, 'no change, so no news');
  sale.change(['c.R.2.2'], 'HELD');
  assert.equal(sale.change(['c.R.2.2'], 'AVAILABLE'), true, 'cancelled in another window');
});

test('a map is read again soon after the socket is there, whatever else is announced meanwhile', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 1_000_000 });
  const page = { hidden: false, addEventListener() {}, removeEventListener() {} };
  Object.assign(globalThis, { document: page, addEventListener() {}, removeEventListener() {} });
  Object.defineProperty(globalThis, 'navigator', { value: { onLine: true }, configurable: true });
  let read = 0;
  const live = new Live('c', { taken() {}, freed() {}, moved() {} }, async () => Boolean(read += 1), () => {});
  /** @type {Record<string, () => unknown>} */
  const on = {};
  live.connect({
    on: (/** @type {string} */ event, /** @type {() => unknown} */ then) => { on[event] = then; },
    timeout: () => ({ emitWithAck: async () => ({ ok: true }) }), close() {},
  });
  await on.connect();
  await on['session:restored']();
  assert.equal(read, 2);
  for (const [after, reads] of [[1_499, 2], [1, 3], [14_999, 3], [1, 4]]) {
    t.mock.timers.tick(after);
    await new Promise((done) => setImmediate(done));
    assert.equal(read, reads, `after ${after} ms more`);
  }
  live.stop();
});

test('my seats are asked for once at a time, and never taken from before my last act', async () => {
  /** @type {((answer: import('../../../pages/web/call.js').Answer) => void)[]} */
  const asked = [];
  /** @type {any[]} */
  const taken = [];
  const mine = new Mine(() => new Promise((answer) => asked.push(answer)), (seats) => taken.push(seats));
  const answer = async (/** @type {any} */ seats, ok = true) => {
    asked[asked.length - 1]({ ok, status: ok ? 200 : 0, code: '', data: { seats } });
    await new Promise((done) => setTimeout(done));
  };
  for (let time = 0; time < 5; time += 1) mine.read();
  assert.equal(asked.length, 1);
  await answer('first');
  assert.equal(asked.length, 2, 'of four more, one is asked');
  mine.acted();
  await answer('before my act');
  assert.equal(asked.length, 3);
  await answer('after it');
  mine.read();
  await answer(undefined, false);
  assert.equal(asked.length, 4, 'a failure waits for the next reason to ask');
  assert.deepEqual(taken, ['first', 'after it']);
});

test('a sale is sold out when nobody could take anything', () => {
  const sale = opened();
  assert.equal(sale.isSoldOut, false);
  sale.change([...sale.seats.keys()], 'HELD');
  assert.equal(sale.isSoldOut, false, 'there are tickets');
  sale.count([{ ...standing, remaining: 0 }]);
  assert.equal(sale.isSoldOut, true);
  assert.equal(sale.first?.name, 'R');
});

/** A shop that gives these answers in turn, and keeps what it was asked. @param {[number, string, any?][]} answers */
function shop(answers) {
  /** @type {{method: string, path: string, key?: string, body?: any}[]} */
  const asked = [];
  /** @type {import('../../../pages/web/shop-payment.js').Call} */
  const call = async (method, path, content = {}) => {
    asked.push({ method, path, ...content });
    const [status, code, data = {}] = answers.shift() ?? [0, 'OFFLINE'];
    return { ok: status >= 200 && status < 300, status, code, data };
  };
  let keys = 0;
  /** @type {number[]} */
  const extended = [];
  const payment = new Payment(call, 'c', () => `key ${keys += 1}`, (until) => extended.push(until));
  return { asked, payment, extended };
}

const booking = (/** @type {string} */ state) => ({ bookingId: 'b', concertId: 'c', state, amount: 1, seats: [], tickets: [], expiresAt: '' });
const order = { seatIds: ['c.R.1.1'] };

test('paying books once and charges once', async () => {
  const { asked, payment } = shop([[201, '', booking('PENDING')], [200, '', booking('CONFIRMED')]]);
  assert.equal((await payment.pay(order, 'card')).kind, 'paid');
  assert.deepEqual(asked.map(({ method, path }) => `${method} ${path}`),
    ['POST /v2/bookings?concertId=c', 'POST /v2/bookings/b/confirm?concertId=c']);
  assert.deepEqual(asked[0].body, order);
  assert.deepEqual(asked[1].body, { paymentToken: 'card' });
});

test('the time to book grows with the session that a booking has extended', async () => {
  const queueTokenExpiresAt = '2026-12-24T11:02:00.000Z';
  const { payment, extended } = shop([[201, '', { ...booking('PENDING'), queueTokenExpiresAt }], [402, 'PAYMENT_DECLINED']]);
  await payment.pay(order, 'decline');
  assert.deepEqual(extended, [Date.parse(queueTokenExpiresAt)]);
});

test('an order without an answer is repeated with its key, a changed one with another', async () => {
  const { asked, payment } = shop([[0, 'OFFLINE'], [0, 'OFFLINE'], [409, 'SOLD_OUT']]);
  assert.equal((await payment.pay(order, 'card')).kind, 'refused');
  await payment.pay(order, 'card');
  await payment.pay({ seatIds: ['c.R.1.2'] }, 'card');
  assert.deepEqual(asked.map((one) => one.key), ['key 1', 'key 1', 'key 2']);
});

test('a declined card leaves the booking to be paid by another', async () => {
  const { asked, payment } = shop([
    [201, '', booking('PENDING')], [402, 'PAYMENT_DECLINED'], [200, '', booking('CONFIRMED')],
  ]);
  assert.equal((await payment.pay(order, 'decline')).kind, 'declined');
  assert.equal((await payment.pay(order, 'card')).kind, 'paid');
  assert.notEqual(asked[1].key, asked[2].key, 'another card is another attempt');
  assert.equal(asked.length, 3, 'it is not booked again');
});

test('a payment in doubt is asked about, and repeated only as the same attempt', async () => {
  const { asked, payment } = shop([
    [201, '', booking('PENDING')], [503, 'PAYMENT_DOWN'],
    [200, '', booking('PAYING')], [503, 'PAYMENT_DOWN'],
    [200, '', booking('PAYING')], [409, 'PAYMENT_IN_FLIGHT'],
    [0, 'OFFLINE'],
    [200, '', booking('CONFIRMED')],
  ]);
  assert.equal((await payment.pay(order, 'time-out')).kind, 'doubt');
  for (const kind of ['doubt', 'doubt', 'doubt', 'paid']) assert.equal((await payment.ask()).kind, kind);
  const attempts = asked.filter((one) => one.path.includes('/confirm'));
  assert.deepEqual(new Set(attempts.map((one) => one.key)).size, 1);
  assert.equal(attempts.length, 3);
});

test('a payment in doubt ends as the shop settles it', async () => {
  for (const [state, kind] of [['PENDING', 'declined'], ['EXPIRED', 'expired'], ['CANCELLED', 'expired']]) {
    const { payment } = shop([[201, '', booking('PENDING')], [0, 'OFFLINE'], [200, '', booking(state)]]);
    assert.equal((await payment.pay(order, 'card')).kind, 'doubt');
    assert.equal((await payment.ask()).kind, kind, state);
    assert.equal(payment.booking === null, kind === 'expired');
  }
});

test('a session that ends while a payment is in doubt does not hide its outcome', async () => {
  const { payment } = shop([
    [201, '', booking('PENDING')], [503, 'PAYMENT_DOWN'],
    [200, '', booking('PAYING')], [403, 'QUEUE_TOKEN_REQUIRED'],
    [200, '', booking('PAYING')], [200, '', booking('CONFIRMED')],
  ]);
  await payment.pay(order, 'time-out');
  for (const kind of ['doubt', 'doubt', 'paid']) assert.equal((await payment.ask()).kind, kind);
});

test('what was booked in another window since the page was opened is found', async () => {
  const since = Date.parse('2026-11-20T05:00:00Z');
  const at = (/** @type {string} */ confirmedAt, more = {}) => ({ ...booking('CONFIRMED'), confirmedAt, ...more });
  const older = at('2026-11-20T04:59:59Z', { bookingId: 'older' });
  const bookings = [
    at('2026-11-20T05:00:09Z', { concertId: 'another' }), at('2026-11-20T05:00:08Z', { state: 'CANCELLED' }),
    at('2026-11-20T05:00:07Z', { bookingId: 'this' }), older,
  ];
  const { asked, payment } = shop([[200, '', { bookings }], [200, '', { bookings: [older] }], [0, 'OFFLINE'], [401, 'UNAUTHENTICATED']]);
  assert.equal((await payment.elsewhere(since))?.bookingId, 'this');
  assert.equal(await payment.elsewhere(since), null);
  assert.equal(await payment.elsewhere(since), undefined, 'nobody knows');
  assert.equal(await payment.elsewhere(since), null);
  assert.deepEqual(new Set(asked.map(({ method, path }) => `${method} ${path}`)), new Set(['GET /v2/bookings?limit=100']));
});
