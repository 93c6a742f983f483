// @ts-check
/** A concert: choosing seats and tickets while others do the same, and paying for them. */

import { call, newKey } from './shop-api.js';
import { Basket } from './shop-basket.js';
import { Checkout } from './shop-checkout.js';
import { Clock, written } from './shop-clock.js';
import { free, sections } from './shop-layout.js';
import { Live } from './shop-live.js';
import { SeatMap } from './shop-map.js';
import { button, find, make, say, stress, tell } from './shop-page.js';
import { Payment } from './shop-payment.js';
import { receipt } from './shop-receipt.js';
import { grouped, money, text } from './shop-text.js';

/** @typedef {import('./shop-layout.js').Seat} Seat */
/** @typedef {import('./shop-layout.js').Section} Section */
/** @typedef {import('./shop-basket.js').Ticket} Ticket */
/** @typedef {import('./shop-map.js').State} State */
/** @typedef {import('./shop-payment.js').Outcome} Outcome */
/** @typedef {import('./shop-api.js').Answer} Answer */

/** When a countdown asks for attention, in milliseconds. */
const SOON = 60_000;
/** Until a page that could not read anything tries again, in milliseconds. */
const PAUSE = 3_000;

const shop = find('shop');
const { concert: id, waitingPage } = shop.dataset;
const base = `/v2/concerts/${encodeURIComponent(id)}`;
const query = `?concertId=${encodeURIComponent(id)}`;
const clock = new Clock(Number(shop.dataset.now));

/** When the session ends; `null` where nobody lines up. @type {number | null} */
let until = shop.dataset.until ? Number(shop.dataset.until) : null;
let basket = new Basket(0);
/** @type {Section[]} */
let hall = [];
/** @type {Map<string, Seat>} */
let seats = new Map();
/** @type {Ticket[]} */
let kinds = [];
/** As of when the map was read. */
let at = '';
/** Seats that are asked for now. @type {Set<string>} */
const asking = new Set();
/** Seats that I have paid for. @type {Set<string>} */
const paid = new Set();
/** The session is over, or the sale is done: nothing is read any more. */
let over = false;
/** Requests that change my seats, one after the other. */
let turn = Promise.resolve();

const payment = new Payment(call, id, newKey);
const checkout = new Checkout(payment, settled);
const map = new SeatMap(find('seats'), {
  state,
  spoken: (seat, as) => text('seat_spoken', { ...words(seat), price: money(seat.price), state: text(as) }),
  named: (section) => text('map', { section: section.name }),
  pick,
});
const live = new Live(id, {
  taken: (ids) => change(ids, 'HELD'),
  freed: (ids) => change(ids, 'AVAILABLE'),
  moved: readTickets,
}, readSeats, (how) => {
  const sign = find('live');
  sign.classList.add('known');
  tell(sign, text(how));
  sign.classList.toggle('off', how !== 'live');
});

/** @param {Seat} seat */
function words(seat) {
  return { section: seat.section, row: seat.row, number: seat.number };
}

/** @param {Seat} seat */
function named(seat) {
  return text('seat', words(seat));
}

/** @param {Seat[]} some */
function listed(some) {
  return some.map(named).join(', ');
}

/** @param {Seat} seat @returns {State} */
function state(seat) {
  if (paid.has(seat.seatId)) return 'bought';
  if (basket.seats.has(seat.seatId)) return 'mine';
  if (asking.has(seat.seatId)) return 'asking';
  if (seat.state === 'AVAILABLE') return 'free';
  return seat.state === 'HELD' ? 'held' : 'sold';
}

// Reading

async function load() {
  const [concert, read, mine, bookings] = await Promise.all([
    call('GET', base), call('GET', `${base}/seats`), call('GET', `${base}/seats/mine`), call('GET', '/v2/bookings?limit=100'),
  ]);
  const failed = [concert, read, mine, bookings].find((answer) => !answer.ok);
  if (failed) {
    if (fails(failed)) return;
    const missing = failed.code === 'STOCK_NOT_FOUND';
    panel(missing ? 'no_stock' : 'down', [button(text('again'), load)]);
    setTimeout(() => { if (find('choose').hidden && !over) load(); }, PAUSE);
    return;
  }
  basket = new Basket(concert.data.perMemberLimit);
  hall = sections(read.data.seats, concert.data.sections.map((/** @type {any} */ section) => section.section));
  seats = new Map(read.data.seats.map((/** @type {Seat} */ seat) => [seat.seatId, seat]));
  at = read.data.at;
  kinds = concert.data.tickets;
  const ours = bookings.data.bookings.filter((/** @type {any} */ booking) => booking.concertId === id);
  for (const { seatId, state: as, holdEndsAt } of mine.data.seats) {
    const seat = seats.get(seatId);
    if (as === 'SOLD') paid.add(seatId);
    else if (seat) basket.hold(seat, Date.parse(holdEndsAt));
  }
  const bought = ours.filter((/** @type {any} */ booking) => booking.state === 'CONFIRMED');
  const tickets = bought.flatMap((/** @type {any} */ booking) => booking.tickets);
  basket.bought = paid.size + tickets.reduce((/** @type {number} */ sum, /** @type {any} */ one) => sum + one.quantity, 0);
  const begun = ours.find((/** @type {any} */ booking) => booking.state === 'PENDING' || booking.state === 'PAYING');
  if (begun) restore(begun);
  find('choose').hidden = false;
  panel('');
  find('hall').hidden = hall.length === 0;
  find('counted').hidden = kinds.length === 0;
  if (hall.length === 0) find('counted-title').textContent = text('tickets_only');
  drawSections();
  if (hall.length > 0) map.show(hall[first()]);
  drawNow();
  live.start();
  if (begun?.state === 'PAYING') checkout.resume();
}

/** Takes up a booking that an earlier page has made and not paid. @param {any} booking */
function restore(booking) {
  payment.booking = booking;
  for (const { ticketId, quantity, name, price } of booking.tickets) {
    const ticket = kinds.find((kind) => kind.ticketId === ticketId) ?? { ticketId, name, price, quantity, remaining: 0 };
    basket.tickets.set(ticketId, { ticket, count: quantity });
  }
}

/** Reads what has changed on the map, and says whether that worked. */
async function readSeats() {
  if (over) return true;
  const [read] = await Promise.all([
    hall.length > 0 ? call('GET', `${base}/seats?since=${encodeURIComponent(at)}`) : null, readTickets(),
  ]);
  if (!read) return navigator.onLine;
  if (!read.ok) {
    fails(read);
    return false;
  }
  at = read.data.at;
  for (const { seatId, state: as } of read.data.changed ?? read.data.seats) {
    const seat = seats.get(seatId);
    if (seat) seat.state = as;
  }
  draw();
  return true;
}

async function readTickets() {
  if (kinds.length === 0 || over) return;
  const read = await call('GET', `${base}/tickets`);
  if (!read.ok) return;
  for (const fresh of read.data.tickets) {
    const kind = kinds.find((one) => one.ticketId === fresh.ticketId);
    if (kind) Object.assign(kind, fresh);
  }
  draw();
}

/** @param {string[]} ids @param {Seat['state']} as */
function change(ids, as) {
  for (const seatId of ids) {
    const seat = seats.get(seatId);
    // What I hold myself, I know better.
    if (seat && !asking.has(seatId)) seat.state = as;
  }
  draw();
}

/** Shows that the visitor is no longer inside, or no longer known. @param {Answer} answer */
function fails(answer) {
  if (answer.code === 'QUEUE_TOKEN_REQUIRED') {
    const target = encodeURIComponent(location.pathname + location.search);
    const page = answer.data.waitingPage ?? waitingPage;
    const line = make('a', { class: 'button primary', href: `${page}${page.includes('?') ? '&' : '?'}target=${target}` }, text('line'));
    end('over', line);
    return true;
  }
  if (answer.code === 'UNAUTHENTICATED') {
    end('signed_out', make('a', { class: 'button primary', href: '/' }, text('sign_in')));
    return true;
  }
  return false;
}

/** @param {string} key @param {HTMLElement} act */
function end(key, act) {
  if (over) return;
  over = true;
  live.stop();
  document.querySelectorAll('dialog[open]').forEach((dialog) => /** @type {HTMLDialogElement} */ (dialog).close());
  find('choose').hidden = true;
  document.getElementById('session')?.remove();
  panel(key, [act, make('a', { class: 'button', href: '/' }, text('concerts'))]);
  find('heading').focus();
}

/** Says instead of the heading what the whole sale is like; '' takes it back. @param {string} key @param {HTMLElement[]} acts */
function panel(key, acts = []) {
  const element = find('state');
  if (element.dataset.key === key) return;
  element.dataset.key = key;
  element.hidden = key === '';
  const usual = kinds.length > 0 && hall.length === 0 ? 'title_tickets' : 'title';
  find('heading').textContent = text(key === '' || key === 'loading' ? usual : key);
  if (key === '') return;
  find('state-why').textContent = text(`${key}_why`);
  find('state-acts').replaceChildren(...acts);
  say(text(key === 'loading' ? 'loading_why' : key));
}

// Choosing

/** @param {Seat} seat */
function pick(seat) {
  const as = state(seat);
  if (payment.booking) return told(text('unpaid'));
  if (as === 'mine') return later(() => putBack(seat));
  if (as !== 'free') return say(text('seat_spoken', { ...words(seat), price: money(seat.price), state: text(as) }));
  if (basket.room - asking.size <= 0) return told(text('limit_reached', { n: basket.limit }));
  asking.add(seat.seatId);
  draw();
  return later(() => hold(seat));
}

/** @param {() => Promise<void>} act */
function later(act) {
  turn = turn.then(act).catch(() => told(text('hold_failed')));
}

/** @param {Seat} seat */
async function hold(seat) {
  const held = await lock({ seatIds: [seat.seatId] });
  asking.delete(seat.seatId);
  if (held.ok) {
    say(text('picked', { seat: named(seat), n: basket.count, sum: money(basket.sum) }));
  } else if (held.code === 'SEAT_TAKEN') {
    seat.state = 'HELD';
    lost([seat], 'lost');
  } else {
    notHeld(held);
  }
  draw();
}

/** Holds seats, and puts those that are held into the basket. @param {object} wanted */
async function lock(wanted) {
  const held = await call('POST', `/v2/seats/lock${query}`, { body: wanted });
  if (!held.ok) return held;
  told('');
  if (held.data.queueTokenExpiresAt) until = Date.parse(held.data.queueTokenExpiresAt);
  for (const seatId of held.data.seatIds) {
    const seat = seats.get(seatId);
    if (!seat) continue;
    seat.state = 'HELD';
    basket.hold(seat, Date.parse(held.data.holdEndsAt));
  }
  return held;
}

/** @param {Answer} answer */
function notHeld(answer) {
  if (fails(answer)) return;
  const full = answer.code === 'LIMIT_REACHED';
  told(full ? text('limit_reached', { n: basket.limit }) : text('hold_failed'));
}

/** @param {Seat} seat */
async function putBack(seat) {
  if (!basket.seats.has(seat.seatId)) return;
  const freed = await call('DELETE', `/v2/seats/lock${query}`, { body: { seatIds: [seat.seatId] } });
  if (freed.ok || freed.code === 'SEAT_NOT_HELD') {
    basket.release(seat.seatId);
    if (freed.ok) seat.state = 'AVAILABLE';
    told('');
    say(text('put_back', { seat: named(seat) }));
  } else if (!fails(freed)) {
    told(text('put_back_failed'));
  }
  draw();
}

/** Seats that are gone, and for which the nearest equal ones are offered. @type {Seat[]} */
let missed = [];

/** @param {Seat[]} gone @param {'lost' | 'ran_out'} how */
function lost(gone, how) {
  missed = gone;
  find('lost').dataset.how = how;
  find('lost-title').textContent = text(how);
  find('lost-why').textContent = text(`${how}_why`, { seat: listed(gone), seats: listed(gone) });
  find('lost-yes').textContent = text(how === 'lost' ? 'nearest' : 'once_more');
  if (!find('lost').open) find('lost').showModal();
  find('lost-yes').focus();
}

async function instead() {
  const [first] = missed;
  find('lost').close();
  if (!first) return;
  const before = new Set(basket.seats.keys());
  const same = find('lost').dataset.how === 'ran_out' ? await lock({ seatIds: missed.map((seat) => seat.seatId) }) : null;
  const held = same?.ok ? same : await lock({ like: first.seatId, count: missed.length });
  if (held.ok) {
    const got = [...basket.seats.values()].map((one) => one.seat).filter((seat) => !before.has(seat.seatId));
    told(text('got', { seats: listed(got) }));
    if (got[0]) show(got[0]);
  } else if (held.code === 'SEAT_TAKEN' || held.code === 'SOLD_OUT') {
    told(text('lost_none', { section: first.section }));
  } else {
    notHeld(held);
  }
  draw();
}

/** Shows a seat on the map, whichever section it is in. @param {Seat} seat */
function show(seat) {
  const section = hall.find((one) => one.name === seat.section);
  if (!section) return;
  const radio = /** @type {HTMLInputElement | null} */ (find('sections').querySelector(`input[value="${CSS.escape(section.name)}"]`));
  if (radio) radio.checked = true;
  map.show(section);
  map.lead(seat);
}

/** Says above the basket what went differently than asked; '' takes it away. @param {string} what */
function told(what) {
  tell(find('told'), what);
}

// Drawing

/** Draws the page anew with the next frame, however often it is asked until then. */
function draw() {
  if (drawing) return;
  drawing = requestAnimationFrame(drawNow);
}

let drawing = 0;

function drawNow() {
  drawing = 0;
  if (over) return;
  map.refresh();
  drawSections();
  drawTickets();
  drawBasket();
  drawSoldOut();
}

/** The section to show first: one with free seats. */
function first() {
  return Math.max(0, hall.findIndex((section) => free(section) > 0));
}

function drawSections() {
  const box = find('sections');
  box.hidden = hall.length === 0;
  if (box.querySelectorAll('label').length !== hall.length) {
    const legend = box.querySelector('legend');
    box.replaceChildren(legend, ...hall.map((section, index) => {
      const radio = /** @type {HTMLInputElement} */ (make('input', { type: 'radio', name: 'section', value: section.name }));
      radio.checked = index === first();
      radio.addEventListener('change', () => map.show(section));
      const name = make('b', {}, text('section', { section: section.name }));
      return make('label', { class: 'section' }, radio, name, make('span', { class: 'small' }, money(section.price)), make('span', { class: 'small quiet left' }));
    }));
  }
  box.querySelectorAll('label').forEach((/** @type {HTMLElement} */ label, /** @type {number} */ index) => {
    const left = free(hall[index]);
    tell(/** @type {HTMLElement} */ (label.querySelector('.left')), left > 0 ? text('left_seats', { n: grouped(left) }) : text('none_left'));
  });
}

function drawTickets() {
  const list = find('tickets');
  if (list.children.length !== kinds.length) list.replaceChildren(...kinds.map(kindOfTicket));
  kinds.forEach((kind, index) => {
    const row = list.children[index];
    const count = basket.tickets.get(kind.ticketId)?.count ?? 0;
    const frozen = payment.booking !== null;
    row.querySelector('.left').textContent = kind.remaining > 0 ? text('ticket_left', { n: grouped(kind.remaining) }) : text('none_left');
    row.querySelector('output').textContent = String(count);
    // Not disabled: a button that the focus is on must not vanish from under it.
    row.querySelector('.fewer').setAttribute('aria-disabled', String(frozen || count === 0));
    row.querySelector('.more').setAttribute('aria-disabled', String(frozen || count >= kind.remaining || basket.room === 0));
  });
}

/** @param {Ticket} kind */
function kindOfTicket(kind) {
  const step = (/** @type {number} */ by) => () => {
    if (payment.booking) return told(text('unpaid'));
    const before = basket.tickets.get(kind.ticketId)?.count ?? 0;
    const now = basket.take(kind, before + by);
    told(by > 0 && now === before && kind.remaining > before ? text('limit_reached', { n: basket.limit }) : '');
    say(text('chosen', { name: kind.name, n: now }));
    draw();
  };
  const name = kind.name;
  return make('li', { class: 'ticket' },
    make('div', {}, make('b', {}, name), make('span', { class: 'small quiet' }, money(kind.price)), make('span', { class: 'small quiet left' })),
    make('div', { class: 'stepper', role: 'group', 'aria-label': name },
      button('−', step(-1), { class: 'fewer', 'aria-label': text('fewer', { name }) }),
      make('output', {}),
      button('+', step(1), { class: 'more', 'aria-label': text('more', { name }) })));
}

function drawBasket() {
  const list = find('items');
  const frozen = payment.booking !== null;
  const held = [...basket.seats.values()].map(({ seat }) => {
    const children = [make('span', {}, named(seat)), make('span', { class: 'price' }, money(seat.price))];
    if (!frozen) children.push(button('×', () => later(() => putBack(seat)), { class: 'plain take-out', 'aria-label': text('take_out', { seat: named(seat) }) }));
    return make('li', { 'data-item': seat.seatId }, ...children);
  });
  const counted = [...basket.tickets.values()].map(({ ticket, count }) => make('li', { 'data-item': `ticket ${ticket.ticketId} ${count}` },
    make('span', {}, text('ticket_line', { name: ticket.name, n: count })), make('span', { class: 'price' }, money(ticket.price * count))));
  const wanted = [...held, ...counted];
  const key = (/** @type {Element} */ item) => `${item.getAttribute('data-item')} ${item.children.length}`;
  const same = list.children.length === wanted.length && wanted.every((item, index) => key(item) === key(list.children[index]));
  if (!same) {
    const inside = list.contains(document.activeElement);
    list.replaceChildren(...wanted);
    if (inside) find('basket-title').focus();
  }
  const { count, sum } = basket;
  tell(find('empty'), count > 0 ? '' : text(hall.length > 0 ? 'basket_none' : 'basket_none_tickets'));
  tell(find('limit'), basket.bought >= basket.limit ? text('limit_all', { n: basket.limit }) : text('limit', { n: basket.limit }));
  find('count').textContent = text('count', { n: count });
  find('sum').textContent = money(sum);
  find('pay').textContent = text(frozen ? 'go_on' : 'pay');
  find('pay').disabled = count === 0;
  find('give-up').hidden = !frozen;
  tick();
}

function drawSoldOut() {
  const left = hall.some((section) => free(section) > 0) || kinds.some((kind) => kind.remaining > 0);
  const none = !left && basket.count === 0;
  panel(none ? 'sold_out' : '', none ? [make('a', { class: 'button', href: '/' }, text('concerts'))] : []);
}

// Time

/** Which warnings were given, so that each is given once. */
const warned = { session: false, hold: false };

function tick() {
  if (over) return;
  countSession();
  const now = clock.now();
  const end = payment.booking ? Date.parse(payment.booking.expiresAt) : basket.end;
  const left = end === null ? 0 : clock.left(end);
  if (basket.count === 0 || end === null) tell(find('hold'), '');
  else stress(find('hold'), (part) => text('hold', { left: part }), written(left));
  if (left > SOON) warned.hold = false;
  else if (left > 0 && !warned.hold) {
    warned.hold = true;
    say(text('hold_soon', { left: written(left) }));
  }
  if (payment.booking) {
    if (left === 0 && !checkout.dialog.open) expired();
    return;
  }
  const gone = basket.expire(now);
  if (gone.length > 0) {
    gone.forEach((seat) => { seat.state = 'AVAILABLE'; });
    if (checkout.dialog.open) checkout.dialog.close();
    lost(gone, 'ran_out');
    draw();
  }
}

function countSession() {
  if (until === null) return;
  const left = clock.left(until);
  const element = document.getElementById('session');
  element?.classList.toggle('soon', left <= SOON);
  const shown = document.getElementById('session-left');
  if (shown) shown.textContent = text('session_left', { left: written(left) });
  if (left <= SOON && left > 0 && !warned.session) {
    warned.session = true;
    say(text('session_soon', { left: written(left) }));
  }
  // Whether it is over, the gate says.
  if (left === 0 && !askedForEnd) {
    askedForEnd = true;
    setTimeout(() => { askedForEnd = false; live.now(); }, 1_000);
  }
}

let askedForEnd = false;

// Paying

/** @param {Outcome} outcome */
function settled(outcome) {
  switch (outcome.kind) {
    case 'paid': return done(outcome.booking);
    case 'declined': return draw();
    case 'expired': return expired();
    default: return refused(outcome);
  }
}

/** The time to pay has passed. */
function expired() {
  payment.booking = null;
  payment.made = null;
  basket.clear();
  told(text('expired'));
  draw();
  live.now();
}

/** @param {Outcome} outcome */
function refused({ code, data }) {
  if (fails(/** @type {Answer} */ ({ code, data }))) return;
  if (code === 'SEAT_NOT_HELD') {
    for (const seatId of data.seatIds ?? []) basket.release(seatId);
    told(text('not_held'));
  } else if (code === 'SOLD_OUT') {
    told(text('tickets_gone'));
    readTickets().then(() => {
      for (const { ticket, count } of [...basket.tickets.values()]) basket.take(ticket, Math.min(count, ticket.remaining));
      draw();
    });
  } else {
    told(code === 'LIMIT_REACHED' ? text('limit_reached', { n: basket.limit }) : text('pay_failed'));
  }
  draw();
  live.now();
}

/** @param {any} booking */
function done(booking) {
  over = true;
  live.stop();
  find('choose').hidden = true;
  find('state').hidden = true;
  document.getElementById('session')?.remove();
  find('receipt').replaceChildren(...receipt(booking));
  find('receipt').hidden = false;
  find('heading').textContent = text('done');
  find('heading').focus();
  say(text('done'));
  scrollTo(0, 0);
}

find('pay').addEventListener('click', () => {
  const { booking } = payment;
  checkout.open(basket.order(), booking ? booking.amount : basket.sum);
});
find('lost-no').addEventListener('click', () => find('lost').close());
find('lost-yes').addEventListener('click', () => later(instead));
find('lost').addEventListener('close', () => map.focus());
find('give-up').addEventListener('click', () => find('giving-up').showModal());
find('giving-up-no').addEventListener('click', () => find('giving-up').close());
find('giving-up-yes').addEventListener('click', async () => {
  const cancelled = await call('DELETE', `/v2/bookings/${payment.booking?.bookingId}`);
  find('giving-up').close();
  if (!cancelled.ok) return told(text('put_back_failed'));
  // Where nobody lines up, there is no session to end.
  if (until === null) return location.reload();
  fails({ ok: false, status: 403, code: 'QUEUE_TOKEN_REQUIRED', data: {} });
});
panel('loading');
load();
setInterval(tick, 500);
