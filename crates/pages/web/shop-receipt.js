// @ts-check
/** The ticket that one gets. */

import { moment } from './shop-clock.js';
import { copies } from './shop-copy.js';
import { make } from './shop-page.js';
import { money, text } from './shop-text.js';

/** @param {any} booking @param {string | undefined} timeZone the concert's, if it is known @returns {HTMLElement[]} */
export function receipt(booking, timeZone) {
  const seats = booking.seats.map((/** @type {any} */ seat) => make('li', {},
    make('span', {}, text('seat', { section: seat.section, row: seat.row, number: seat.number })), make('span', { class: 'price' }, money(seat.price))));
  const tickets = booking.tickets.map((/** @type {any} */ ticket) => make('li', {},
    make('span', {}, text('ticket_line', { name: ticket.name, n: ticket.quantity })), make('span', { class: 'price' }, money(ticket.price * ticket.quantity))));
  const number = make('p', { class: 'booking-number' }, booking.bookingId);
  const copy = make('button', { type: 'button', class: 'copy' }, text('copy'));
  copies(copy, number);
  const made = moment(Date.parse(booking.createdAt), timeZone, document.documentElement.lang);
  const face = make('div', { class: 'face' },
    make('h2', { id: 'receipt-title', class: 'label' }, text('number')),
    number, copy,
    make('p', { class: 'small quiet' }, text('done_why')));
  const stub = make('div', { class: 'stub' },
    make('ul', { class: 'items' }, ...seats, ...tickets),
    make('p', { class: 'sum' }, make('span', {}, text('paid')), make('b', {}, money(booking.amount))),
    make('p', { class: 'small quiet' }, text('made', { when: made })));
  const acts = make('div', { class: 'acts' },
    make('a', { class: 'button primary', href: `/bookings#${booking.bookingId}` }, text('my_bookings')),
    make('a', { class: 'button', href: '/' }, text('concerts')));
  return [make('div', { class: 'ticket-paper' }, face, make('hr', { class: 'perforation' }), stub), acts];
}
