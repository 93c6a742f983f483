// @ts-check
/** What a visitor has chosen. Nothing here touches the page. */

/** @typedef {import('./shop-layout.js').Seat} Seat */
/** @typedef {{ticketId: string, name: string, price: number, quantity: number, remaining: number}} Ticket */

/** Seats that are held, and how many tickets of each kind. */
export class Basket {
  /** @param {number} limit how many seats and tickets together one member may have */
  constructor(limit) {
    this.limit = limit;
    /** How many the member has bought before. */
    this.bought = 0;
    /** Each seat with the end of its hold, in milliseconds since the epoch. @type {Map<string, {seat: Seat, until: number}>} */
    this.seats = new Map();
    /** @type {Map<string, {ticket: Ticket, count: number}>} */
    this.tickets = new Map();
  }

  /** How many are chosen. */
  get count() {
    const tickets = [...this.tickets.values()].reduce((sum, one) => sum + one.count, 0);
    return this.seats.size + tickets;
  }

  /** How many more may be chosen. */
  get room() {
    return Math.max(0, this.limit - this.bought - this.count);
  }

  get sum() {
    const seats = [...this.seats.values()].reduce((sum, one) => sum + one.seat.price, 0);
    return [...this.tickets.values()].reduce((sum, one) => sum + one.count * one.ticket.price, seats);
  }

  /** When the first hold ends; `null` if nothing is held. */
  get end() {
    const ends = [...this.seats.values()].map((one) => one.until);
    return ends.length > 0 ? Math.min(...ends) : null;
  }

  /** @param {Seat} seat @param {number} until */
  hold(seat, until) {
    this.seats.set(seat.seatId, { seat, until });
  }

  /** @param {string} seatId */
  release(seatId) {
    this.seats.delete(seatId);
  }

  /**
   * Takes out and returns the seats whose hold has ended.
   * @param {number} now
   * @returns {Seat[]}
   */
  expire(now) {
    const over = [...this.seats.values()].filter((one) => one.until <= now).map((one) => one.seat);
    over.forEach((seat) => this.release(seat.seatId));
    return over;
  }

  /**
   * Sets how many tickets of a kind are chosen, as far as the limit and the stock allow, and returns how many
   * that is.
   * @param {Ticket} ticket
   * @param {number} count
   */
  take(ticket, count) {
    const before = this.tickets.get(ticket.ticketId)?.count ?? 0;
    const most = Math.min(ticket.remaining, before + this.room);
    const taken = Math.max(0, Math.min(count, most));
    if (taken > 0) this.tickets.set(ticket.ticketId, { ticket, count: taken });
    else this.tickets.delete(ticket.ticketId);
    return taken;
  }

  /** The body of `POST /v2/bookings`. */
  order() {
    const seatIds = [...this.seats.keys()];
    const tickets = [...this.tickets.values()].map(({ ticket, count }) => ({ ticketId: ticket.ticketId, quantity: count }));
    return { ...(seatIds.length > 0 && { seatIds }), ...(tickets.length > 0 && { tickets }) };
  }

  clear() {
    this.seats.clear();
    this.tickets.clear();
  }
}
