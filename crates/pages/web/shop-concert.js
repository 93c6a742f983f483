// @ts-check
/** A concert: choosing seats and tickets while others do the same, and paying for them. */

import { call, newKey } from './call.js';
import { Checkout } from './shop-checkout.js';
import { Choice } from './shop-choice.js';
import { Countdown } from './shop-countdown.js';
import { Holds } from './shop-holds.js';
import { Live } from './shop-live.js';
import { SeatMap } from './shop-map.js';
import { Mine } from './shop-mine.js';
import { button, find, make, say, tell } from './shop-page.js';
import { Payment } from './shop-payment.js';
import { receipt } from './shop-receipt.js';
import { Sale } from './shop-sale.js';
import { money, text } from './shop-text.js';

/** @typedef {import('./shop-layout.js').Seat} Seat */
/** @typedef {import('./shop-layout.js').Section} Section */
/** @typedef {import('./shop-basket.js').Ticket} Ticket */
/** @typedef {import('./shop-sale.js').State} State */
/** @typedef {import('./shop-payment.js').Outcome} Outcome */
/** @typedef {import('./call.js').Answer} Answer */

/** Until a page that could not read anything tries again, in milliseconds. */
const PAUSE = 3_000;

const { concert: id, waitingPage, login, now, until } = find('shop').dataset;
const base = `/v2/concerts/${encodeURIComponent(id)}`;

const sale = new Sale();
const payment = new Payment(call, id, newKey, (until) => { countdown.session = until; });
const checkout = new Checkout(payment, settled);
const countdown = new Countdown(Number(now), until ? Number(until) : null, { holdOver, sessionOver: () => live.now() });
const choice = new Choice(sale, { show: (section) => map.show(section), step, putBack: (seat) => holds.putBack(seat) });
const map = new SeatMap(find('seats'), {
  state: (seat) => sale.state(seat),
  spoken,
  named: (section) => text('map', { section: section.name }),
  pick,
});
const live = new Live(id, {
  taken: (ids) => changed(ids, 'HELD'),
  freed: (ids) => changed(ids, 'AVAILABLE'),
  moved: readTickets,
}, readSeats, connected);
const mine = new Mine(() => call('GET', `${base}/seats/mine`), own);
const holds = new Holds(id, sale, {
  told, fails, acted, show, draw,
  extended: (until) => { countdown.session = until; },
  again: () => mine.read(),
});
/** This concert's other windows in this browser. What happens on another device, the next reading shows. */
const windows = new BroadcastChannel(`concert ${id}`);

/** Nothing is read any more: the session is over, or everything is paid. */
let over = false;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let trying;
/** The frame with which the page is drawn anew. */
let drawing = 0;
/** What was told last came of the connection alone. */
let lost = false;
/** It is being found out why the session is over. */
let leaving = false;
/** The concert's. @type {string | undefined} */
let timeZone;

// Reading

async function load() {
  clearTimeout(trying);
  const answers = await Promise.all([
    call('GET', base), call('GET', `${base}/seats`), call('GET', `${base}/seats/mine`), call('GET', '/v2/bookings?limit=100'),
  ]);
  const failed = answers.find((answer) => !answer.ok);
  if (failed) {
    if (fails(failed)) return;
    panel(failed.code === 'STOCK_NOT_FOUND' ? 'no_stock' : 'down', button(text('again'), load));
    trying = setTimeout(load, PAUSE);
    return;
  }
  const [concert, seats, { seats: held }, { bookings }] = answers.map((answer) => answer.data);
  ({ timeZone } = concert);
  const ours = bookings.filter((/** @type {any} */ booking) => booking.concertId === id);
  sale.open(concert, seats, held, ours);
  const unpaid = ours.find((/** @type {any} */ booking) => ['PENDING', 'PAYING'].includes(booking.state));
  if (unpaid) {
    payment.booking = unpaid;
    sale.takeUp(unpaid);
  }
  begin();
  if (unpaid?.state === 'PAYING') checkout.resume(unpaid.amount);
}

/** Shows what there is. */
function begin() {
  find('choose').hidden = false;
  find('hall').hidden = sale.hall.length === 0;
  find('counted').hidden = sale.kinds.length === 0;
  if (sale.hall.length === 0) find('counted-title').textContent = text('tickets_only');
  panel('');
  drawNow();
  if (sale.first) map.show(sale.first);
  live.start();
}

/** Reads what has changed, and says whether that worked. */
async function readSeats() {
  if (over) return true;
  const asked = Date.now();
  const tickets = readTickets();
  if (sale.hall.length > 0) mine.read();
  const read = sale.hall.length > 0 ? await call('GET', `${base}/seats?since=${encodeURIComponent(sale.at)}`) : await tickets;
  if (over) return true;
  if (!read.ok) {
    fails(read);
    return false;
  }
  if (sale.hall.length > 0) sale.read(read.data, asked);
  if (lost) told('');
  draw();
  return true;
}

async function readTickets() {
  const read = await call('GET', `${base}/tickets`);
  if (read.ok) sale.count(read.data.tickets);
  draw();
  return read;
}

/** @param {import('./shop-sale.js').MySeat[]} seats */
function own(seats) {
  sale.own(seats);
  draw();
}

/** @param {string[]} ids @param {Seat['state']} state */
function changed(ids, state) {
  // Of all who hear of it, only the one whom it concerns asks.
  if (sale.change(ids, state)) mine.read();
  draw();
}

/** @param {'live' | 'not_live' | 'offline'} how */
function connected(how) {
  const sign = find('live');
  sign.classList.add('known');
  sign.classList.toggle('off', how !== 'live');
  tell(sign, text(how));
}

// Choosing

/** @param {Seat} seat @param {State} state */
function spoken(seat, state) {
  const { section, row, number } = seat;
  return text('seat_spoken', { section, row, number, price: money(seat.price), state: text(state) });
}

/** Says beside the total what went otherwise than asked; '' takes it back. @param {string} what @param {Answer} [answer] */
function told(what, answer) {
  lost = answer?.code === 'OFFLINE';
  tell(find('told'), what);
}

function acted() {
  mine.acted();
  windows.postMessage('acted');
}

/** @param {Seat} seat */
function pick(seat) {
  const state = sale.state(seat);
  if (payment.booking) told(text('unpaid'));
  else if (state === 'mine') holds.putBack(seat);
  else if (state !== 'free') say(spoken(seat, state));
  else if (sale.room === 0) told(text('limit_reached', { n: sale.basket.limit }));
  else holds.hold(seat);
}

/** @param {Ticket} kind @param {number} by */
function step(kind, by) {
  if (payment.booking) return told(text('unpaid'));
  const before = sale.basket.tickets.get(kind.ticketId)?.count ?? 0;
  const count = sale.basket.take(kind, before + by);
  const refused = by > 0 && count === before && count < kind.remaining;
  told(refused ? text('limit_reached', { n: sale.basket.limit }) : '');
  say(text('chosen', { name: kind.name, n: count }));
  return draw();
}

/** Shows a seat on the map, whichever section it is in. @param {Seat} seat */
function show(seat) {
  const section = sale.hall.find((one) => one.name === seat.section);
  if (!section) return;
  choice.mark(section);
  map.show(section);
  map.lead(seat);
}

// Drawing

/** Draws the page anew with the next frame, however often it is asked until then. */
function draw() {
  drawing ||= requestAnimationFrame(drawNow);
}

function drawNow() {
  drawing = 0;
  if (over) return;
  map.refresh();
  choice.draw(payment.booking !== null);
  tick();
  const nothing = sale.isSoldOut && sale.basket.count === 0;
  panel(nothing ? 'sold_out' : '', ...(nothing ? [toTheList()] : []));
}

function tick() {
  if (over) return;
  const { booking } = payment;
  countdown.hold = booking ? Date.parse(booking.expiresAt) : sale.basket.end;
  countdown.tick();
}

/** What is held, or the booking to be paid, has run out. */
function holdOver() {
  // What is being booked is held by the booking, or the answer says that it is not.
  if (checkout.busy) return;
  if (payment.booking) {
    // The dialog's own answer says what became of it.
    if (!checkout.dialog.open) expired();
    return;
  }
  const gone = sale.expire(countdown.clock.now());
  if (gone.length === 0) return;
  mine.acted();
  if (checkout.dialog.open) checkout.dialog.close();
  holds.offer(gone, 'ran_out');
  draw();
}

function toTheList() {
  return make('a', { class: 'button', href: '/' }, text('concerts'));
}

/** Says instead of the heading what the whole sale is like; '' takes it back. @param {string} key @param {HTMLElement[]} acts */
function panel(key, ...acts) {
  const element = find('state');
  if (element.dataset.key === key) return;
  element.dataset.key = key;
  element.hidden = key === '';
  const usual = sale.kinds.length > 0 && sale.hall.length === 0 ? 'title_tickets' : 'title';
  find('heading').textContent = text(key === '' || key === 'loading' ? usual : key);
  if (key === '') return;
  find('state-why').textContent = text(`${key}_why`);
  find('state-acts').replaceChildren(...acts);
  say(text(key === 'loading' ? 'loading_why' : key));
}

// Paying

/** @param {Outcome} outcome */
function settled(outcome) {
  if (outcome.kind === 'paid') done(outcome.booking);
  else if (outcome.kind === 'expired') expired();
  else if (outcome.kind === 'refused') refused(outcome);
  draw();
}

/** The time to pay has passed. */
function expired() {
  payment.forget();
  sale.basket.clear();
  told(text('expired'));
  live.now();
}

/** @param {Outcome} outcome */
function refused({ code, data }) {
  if (fails(/** @type {Answer} */ ({ code, data }))) return;
  if (code === 'SEAT_NOT_HELD') {
    notHeld(data.seatIds ?? []);
  } else if (code === 'SOLD_OUT') {
    told(text('tickets_gone'));
    readTickets().then(fitTickets);
  } else {
    told(code === 'LIMIT_REACHED' ? text('limit_reached', { n: sale.basket.limit }) : text('pay_failed'));
  }
  live.now();
}

/** What was chosen is not held any more: it ran out, or was booked in another window. @param {string[]} seatIds */
async function notHeld(seatIds) {
  const booking = await payment.elsewhere(Number(now));
  if (over) return;
  if (booking?.seats.some(({ seatId }) => seatIds.includes(seatId))) return done(booking);
  for (const seatId of seatIds) sale.basket.release(seatId);
  told(text('not_held'));
  draw();
}

/** Wants no more tickets than there are. */
function fitTickets() {
  for (const { ticket, count } of [...sale.basket.tickets.values()]) sale.basket.take(ticket, Math.min(count, ticket.remaining));
  draw();
}

/** @param {any} booking */
function done(booking) {
  finish();
  windows.postMessage('booked');
  find('state').hidden = true;
  find('receipt').replaceChildren(...receipt(booking, timeZone));
  find('receipt').hidden = false;
  find('heading').textContent = text('done');
  scrollTo(0, 0);
  say(text('done'));
}

// Ending

/** Says that the visitor is no longer inside, or no longer known, if that is why it failed. @param {Answer} answer */
function fails(answer) {
  // A payment that has begun is settled although the session is over; then the page says so.
  if (checkout.busy || checkout.doubtful) return false;
  if (answer.code === 'QUEUE_TOKEN_REQUIRED') {
    outside(answer.data.waitingPage ?? waitingPage);
    return true;
  }
  if (answer.code === 'UNAUTHENTICATED') {
    end('signed_out', make('a', { class: 'button primary', href: login ?? '/' }, text(login ? 'sign_in' : 'concerts')));
    return true;
  }
  return false;
}

/** The session is over: by a booking in another window, or without one. @param {string} page where to line up again */
async function outside(page) {
  if (leaving) return;
  leaving = true;
  const booking = await payment.elsewhere(Number(now));
  leaving = false;
  // What could not be read, the next reading comes by again.
  if (over || booking === undefined) return;
  if (booking) return done(booking);
  const line = new URL(page, location.href);
  line.searchParams.set('target', location.href);
  end('over', make('a', { class: 'button primary', href: line.href }, text('line')));
}

/** @param {string} key @param {HTMLElement} act */
function end(key, act) {
  if (over) return;
  finish();
  panel(key, act, toTheList());
}

/** Nothing more can be chosen here. */
function finish() {
  over = true;
  live.stop();
  checkout.stop();
  for (const dialog of document.querySelectorAll('dialog')) dialog.close();
  find('choose').hidden = true;
  document.getElementById('session')?.remove();
  find('heading').focus();
}

async function giveUp() {
  find('giving-up').close();
  const cancelled = await call('DELETE', `/v2/bookings/${payment.booking?.bookingId}`);
  if (!cancelled.ok) return told(text('put_back_failed'), cancelled);
  windows.postMessage('cancelled');
  // Where nobody lines up, there is no session that ends with it.
  if (countdown.session === null) return location.reload();
  return fails({ ...cancelled, ok: false, status: 403, code: 'QUEUE_TOKEN_REQUIRED' });
}

find('pay').addEventListener('click', () => {
  told('');
  checkout.open(sale.basket.order(), payment.booking?.amount ?? sale.basket.sum);
});
find('lost').addEventListener('close', () => map.focus());
find('give-up').addEventListener('click', () => find('giving-up').showModal());
find('giving-up-no').addEventListener('click', () => find('giving-up').close());
find('giving-up-yes').addEventListener('click', giveUp);
windows.addEventListener('message', () => live.shown());
panel('loading');
load();
setInterval(tick, 500);
