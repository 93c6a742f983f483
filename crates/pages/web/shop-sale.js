// @ts-check
/** A sale as one visitor knows it: what is left, and what is theirs. Nothing here touches the page. */

import { Basket } from './shop-basket.js';
import { free, sections } from './shop-layout.js';

/** @typedef {import('./shop-layout.js').Seat} Seat */
/** @typedef {import('./shop-layout.js').Section} Section */
/** @typedef {import('./shop-basket.js').Ticket} Ticket */
/** @typedef {'free' | 'held' | 'sold' | 'mine' | 'bought' | 'asking'} State as the visitor sees a seat */

/** What the API says, in its own words. */
/** @typedef {{seatId: string, state: 'HELD' | 'SOLD', holdEndsAt?: string}} MySeat */
/** @typedef {{concertId: string, state: string, tickets: {ticketId: string, name: string, price: number, quantity: number}[]}} Booked */

/** How old a map may be when it is sent, in milliseconds, with some time for the way. */
const OLD = 1_500;

export class Sale {
  /** @param {() => number} now this machine's clock */
  constructor(now = Date.now) {
    this.now = now;
    /** When each seat's change was heard of. @type {Map<string, number>} */
    this.heard = new Map();
    this.basket = new Basket(0);
    /** @type {Section[]} */
    this.hall = [];
    /** @type {Map<string, Seat>} */
    this.seats = new Map();
    /** The kinds of counted tickets. @type {Ticket[]} */
    this.kinds = [];
    /** As of when the map was read, in the API's words. */
    this.at = '';
    /** Seats that are being asked for. @type {Set<string>} */
    this.asking = new Set();
    /** Seats that the visitor has paid for. @type {Set<string>} */
    this.paid = new Set();
    /** How many counted tickets the visitor has paid for. */
    this.tickets = 0;
  }

  /**
   * Takes in everything that a page reads first.
   * @param {{perMemberLimit: number, sections: {section: string}[], tickets: Ticket[]}} concert
   * @param {{at: string, seats: Seat[]}} map
   * @param {MySeat[]} mine
   * @param {Booked[]} bookings those of this concert
   */
  open(concert, map, mine, bookings) {
    this.basket = new Basket(concert.perMemberLimit);
    this.hall = sections(map.seats, concert.sections.map((section) => section.section));
    this.seats = new Map(map.seats.map((seat) => [seat.seatId, seat]));
    this.at = map.at;
    this.kinds = concert.tickets;
    const bought = bookings.filter((booking) => booking.state === 'CONFIRMED').flatMap((booking) => booking.tickets);
    this.tickets = bought.reduce((sum, ticket) => sum + ticket.quantity, 0);
    this.own(mine);
  }

  /** Takes in which seats are the visitor's, in whatever window they were chosen. @param {MySeat[]} mine */
  own(mine) {
    this.paid = new Set(mine.filter(({ state }) => state === 'SOLD').map(({ seatId }) => seatId));
    this.basket.bought = this.tickets + this.paid.size;
    const held = new Set(mine.filter(({ holdEndsAt }) => holdEndsAt).map(({ seatId }) => seatId));
    for (const seatId of this.basket.seats.keys()) if (!held.has(seatId)) this.basket.release(seatId);
    for (const { seatId, holdEndsAt } of mine) {
      const seat = this.seats.get(seatId);
      if (seat && holdEndsAt) this.basket.hold(seat, Date.parse(holdEndsAt));
    }
  }

  /** Takes up the tickets of a booking that was made and not paid. @param {Booked} booking */
  takeUp(booking) {
    for (const { ticketId, quantity, name, price } of booking.tickets) {
      const ticket = this.kinds.find((kind) => kind.ticketId === ticketId) ?? { ticketId, name, price, quantity, remaining: 0 };
      this.basket.tickets.set(ticketId, { ticket, count: quantity });
    }
  }

  /**
   * Takes in a later map, or what has changed since. What was heard of when the map may already have been read
   * is newer, and stays.
   * @param {{at: string, seats?: Seat[], changed?: {seatId: string, state: Seat['state']}[]}} map
   * @param {number} asked when it was asked for
   */
  read(map, asked) {
    this.at = map.at;
    for (const { seatId, state } of map.changed ?? map.seats ?? []) {
      const seat = this.seats.get(seatId);
      const heard = this.heard.get(seatId) ?? -Infinity;
      if (seat && heard <= asked - OLD) seat.state = state;
    }
  }

  /** Takes in what is left of each kind of ticket. @param {Ticket[]} kinds */
  count(kinds) {
    for (const fresh of kinds) {
      const kind = this.kinds.find((one) => one.ticketId === fresh.ticketId);
      if (kind) Object.assign(kind, fresh);
    }
  }

  /**
   * Takes in what happened to seats a moment ago, and returns whether that may contradict which are the visitor's.
   * @param {string[]} ids
   * @param {Seat['state']} state
   */
  change(ids, state) {
    let mine = false;
    for (const seatId of ids) {
      const seat = this.seats.get(seatId);
      // Of what I ask for, the answer tells.
      if (!seat || this.asking.has(seatId)) continue;
      // What I did here is known before the others hear of it.
      mine ||= seat.state !== state && (this.basket.seats.has(seatId) || this.paid.has(seatId));
      seat.state = state;
      this.heard.set(seatId, this.now());
    }
    return mine;
  }

  /** Takes in an answer to holding seats. @param {{seatIds: string[], holdEndsAt: string}} held */
  hold(held) {
    for (const seatId of held.seatIds) {
      const seat = this.seats.get(seatId);
      if (!seat) continue;
      seat.state = 'HELD';
      this.basket.hold(seat, Date.parse(held.holdEndsAt));
    }
  }

  /** Takes out and returns the seats whose hold has ended. @param {number} now */
  expire(now) {
    const over = this.basket.expire(now);
    this.change(over.map((seat) => seat.seatId), 'AVAILABLE');
    return over;
  }

  /** @param {Seat} seat @returns {State} */
  state(seat) {
    if (this.paid.has(seat.seatId)) return 'bought';
    if (this.basket.seats.has(seat.seatId)) return 'mine';
    if (this.asking.has(seat.seatId)) return 'asking';
    if (seat.state === 'AVAILABLE') return 'free';
    return seat.state === 'HELD' ? 'held' : 'sold';
  }

  /** How many more may be asked for. */
  get room() {
    return Math.max(0, this.basket.room - this.asking.size);
  }

  /** Whether there is nothing that anybody could take. */
  get isSoldOut() {
    return this.hall.every((section) => free(section) === 0) && this.kinds.every((kind) => kind.remaining === 0);
  }

  /** The section to show first: one with free seats. @returns {Section | undefined} */
  get first() {
    return this.hall.find((section) => free(section) > 0) ?? this.hall[0];
  }
}
