// @ts-check
/** Booking and paying, so that nothing is ever paid twice. Nothing here touches the page. */

/** @typedef {import('./call.js').Answer} Answer */
/** @typedef {(method: string, path: string, content?: {body?: unknown, key?: string}) => Promise<Answer>} Call */
/** @typedef {{bookingId: string, concertId: string, state: string, amount: number, seats: any[], tickets: any[], expiresAt: string}} Booking */

/**
 * What came of it. `doubt`: nobody knows yet whether it was paid. `refused`: nothing was booked, for the reason
 * in `code`. A booking that exists comes with it.
 * @typedef {{kind: 'paid' | 'declined' | 'doubt' | 'expired' | 'refused', code: string, data: any, booking: Booking | null}} Outcome
 */

/** Failures after which a payment may have gone through. */
const DOUBT = ['PAYMENT_DOWN', 'PAYMENT_IN_FLIGHT', 'OFFLINE', 'INTERNAL', 'UPSTREAM_DOWN', 'DATABASE_DOWN'];
/** Failures after which the booking no longer exists. */
const GONE = ['BOOKING_EXPIRED', 'BOOKING_CANCELLED', 'BOOKING_NOT_FOUND'];

/** One attempt to pay. Asked again, it charges nothing more. */
export class Payment {
  /**
   * @param {Call} call
   * @param {string} concertId
   * @param {() => string} newKey
   * @param {(until: number) => void} extended the session lasts longer, until a moment in milliseconds since the epoch
   */
  constructor(call, concertId, newKey, extended) {
    this.call = call;
    this.extended = extended;
    this.concertId = concertId;
    this.query = `?concertId=${encodeURIComponent(concertId)}`;
    this.newKey = newKey;
    /** The booking to pay, once it is made. @type {Booking | null} */
    this.booking = null;
    /** The key of the order, and the order itself. @type {{key: string, order: string} | null} */
    this.made = null;
    /** The attempt whose outcome nobody knows. @type {{card: string, key: string} | null} */
    this.open = null;
  }

  /**
   * Books, unless that is done, and pays.
   * @param {object} order
   * @param {string} card the payment provider's token
   * @returns {Promise<Outcome>}
   */
  async pay(order, card) {
    if (!this.booking) {
      const refused = await this.book(order);
      if (refused) return refused;
    }
    this.open = { card, key: this.newKey() };
    return this.confirm();
  }

  /**
   * Asks what came of the attempt in doubt. Safe to repeat.
   * @returns {Promise<Outcome>}
   */
  async ask() {
    const id = this.booking?.bookingId ?? '';
    const read = await this.call('GET', `/v2/bookings/${id}`);
    // Only who is known may ask; the shop settles it either way.
    if (read.code === 'UNAUTHENTICATED') return this.outcome('refused', read);
    if (!read.ok) return this.outcome('doubt', read);
    this.booking = read.data;
    switch (read.data.state) {
      case 'CONFIRMED': return this.settled('paid', read);
      case 'PENDING': return this.settled('declined', read);
      case 'PAYING': return this.again(read);
      default: return this.over(read);
    }
  }

  /** Repeats the attempt, if it is known. @param {Answer} read @returns {Promise<Outcome>} */
  async again(read) {
    if (!this.open) return this.outcome('doubt', read);
    const outcome = await this.confirm();
    // The session may be over; the shop still settles what was begun.
    return outcome.kind === 'refused' ? this.outcome('doubt', read) : outcome;
  }

  /**
   * Looks for what was booked and paid in another window or on another device.
   * @param {number} since by the server's clock, in milliseconds since the epoch
   * @returns {Promise<Booking | null | undefined>} `null` if there is none; `undefined` if that could not be read
   */
  async elsewhere(since) {
    const read = await this.call('GET', '/v2/bookings?limit=100');
    if (!read.ok) return read.code === 'UNAUTHENTICATED' ? null : undefined;
    const found = read.data.bookings.find((/** @type {any} */ booking) => booking.concertId === this.concertId
      && booking.state === 'CONFIRMED' && Date.parse(booking.confirmedAt) >= since);
    return found ?? null;
  }

  /** @param {object} order @returns {Promise<Outcome | null>} */
  async book(order) {
    const text = JSON.stringify(order);
    if (this.made?.order !== text) this.made = { key: this.newKey(), order: text };
    const made = await this.call('POST', `/v2/bookings${this.query}`, { body: order, key: this.made.key });
    if (!made.ok) return this.outcome('refused', made);
    this.booking = made.data;
    if (made.data.queueTokenExpiresAt) this.extended(Date.parse(made.data.queueTokenExpiresAt));
    return null;
  }

  /** @returns {Promise<Outcome>} */
  async confirm() {
    const { card, key } = this.open ?? { card: '', key: '' };
    const path = `/v2/bookings/${this.booking?.bookingId}/confirm${this.query}`;
    const paid = await this.call('POST', path, { body: { paymentToken: card }, key });
    if (paid.ok) {
      this.booking = paid.data;
      return this.settled('paid', paid);
    }
    if (paid.code === 'PAYMENT_DECLINED') return this.settled('declined', paid);
    if (GONE.includes(paid.code)) return this.over(paid);
    if (DOUBT.includes(paid.code)) return this.outcome('doubt', paid);
    this.open = null;
    return this.outcome('refused', paid);
  }

  /** @param {Answer} answer */
  over(answer) {
    const expired = this.settled('expired', answer);
    this.forget();
    return expired;
  }

  /** Forgets a booking that has run out, so that another can be made. */
  forget() {
    this.booking = null;
    this.made = null;
  }

  /** @param {Outcome['kind']} kind @param {Answer} answer */
  settled(kind, answer) {
    this.open = null;
    return this.outcome(kind, answer);
  }

  /** @param {Outcome['kind']} kind @param {Answer} answer @returns {Outcome} */
  outcome(kind, answer) {
    return { kind, code: answer.code, data: answer.data, booking: this.booking };
  }
}
