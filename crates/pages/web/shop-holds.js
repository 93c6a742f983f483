// @ts-check
/** Holding seats and putting them back, one act after the other, and what can be done when seats are gone. */

import { call } from './call.js';
import { named } from './shop-choice.js';
import { find, say } from './shop-page.js';
import { money, text } from './shop-text.js';

/** @typedef {import('./shop-layout.js').Seat} Seat */
/** @typedef {import('./shop-sale.js').Sale} Sale */
/** @typedef {import('./call.js').Answer} Answer */

/**
 * What the page does about it.
 * @typedef {object} Page
 * @property {(what: string, answer?: Answer) => void} told says what went otherwise than asked; '' takes it back
 * @property {(answer: Answer) => boolean} fails whether it failed because nothing can be chosen here any more
 * @property {(until: number) => void} extended the session lasts longer, until a moment in milliseconds since the epoch
 * @property {() => void} acted an act was answered
 * @property {() => void} again reads which seats are held
 * @property {(seat: Seat) => void} show
 * @property {() => void} draw
 */

/** @param {Seat[]} seats */
function listed(seats) {
  return seats.map(named).join(', ');
}

export class Holds {
  /** @param {string} concertId @param {Sale} sale @param {Page} page */
  constructor(concertId, sale, page) {
    this.path = `/v2/seats/lock?concertId=${encodeURIComponent(concertId)}`;
    this.sale = sale;
    this.page = page;
    /** Requests that change what is held, one after the other. */
    this.turn = Promise.resolve();
    /** Seats that are gone, and for which others are offered. @type {Seat[]} */
    this.missed = [];
    find('lost-no').addEventListener('click', () => find('lost').close());
    find('lost-yes').addEventListener('click', () => {
      find('lost').close();
      this.later(() => this.instead());
    });
  }

  /** @param {() => Promise<void>} act */
  later(act) {
    this.turn = this.turn.then(act).catch(() => this.page.told(text('hold_failed'))).then(this.page.acted);
  }

  /** @param {Seat} seat */
  hold(seat) {
    this.sale.asking.add(seat.seatId);
    this.page.draw();
    this.later(() => this.held(seat));
  }

  /** @param {Seat} seat */
  putBack(seat) {
    this.later(() => this.freed(seat));
  }

  /** @param {Seat} seat */
  async held(seat) {
    const { sale } = this;
    const held = await this.lock({ seatIds: [seat.seatId] });
    sale.asking.delete(seat.seatId);
    if (held.ok) {
      say(text('picked', { seat: named(seat), n: sale.basket.count, sum: money(sale.basket.sum) }));
    } else if (held.code === 'SEAT_TAKEN') {
      sale.change([seat.seatId], 'HELD');
      this.offer([seat], 'lost');
    } else {
      this.notHeld(held);
    }
    this.page.draw();
  }

  /** @param {object} wanted the body of the request */
  async lock(wanted) {
    const held = await call('POST', this.path, { body: wanted });
    if (!held.ok) return held;
    this.page.told('');
    this.sale.hold(held.data);
    if (held.data.queueTokenExpiresAt) this.page.extended(Date.parse(held.data.queueTokenExpiresAt));
    return held;
  }

  /** @param {Answer} answer */
  notHeld(answer) {
    if (this.page.fails(answer)) return;
    const n = this.sale.basket.limit;
    this.page.told(answer.code === 'LIMIT_REACHED' ? text('limit_reached', { n }) : text('hold_failed'), answer);
    // It may be held all the same.
    this.page.again();
  }

  /** @param {Seat} seat */
  async freed(seat) {
    const { sale, page } = this;
    if (!sale.basket.seats.has(seat.seatId)) return;
    const freed = await call('DELETE', this.path, { body: { seatIds: [seat.seatId] } });
    if (freed.ok || freed.code === 'SEAT_NOT_HELD') {
      sale.basket.release(seat.seatId);
      if (freed.ok) sale.change([seat.seatId], 'AVAILABLE');
      page.told('');
      say(text('put_back', { seat: named(seat) }));
    } else if (!page.fails(freed)) {
      page.told(text('put_back_failed'), freed);
    }
    page.draw();
  }

  /** Offers others for seats that are gone. @param {Seat[]} gone @param {'lost' | 'ran_out'} how */
  offer(gone, how) {
    const dialog = find('lost');
    this.missed = dialog.open && dialog.dataset.how === how ? [...this.missed, ...gone] : gone;
    dialog.dataset.how = how;
    const seats = listed(this.missed);
    find('lost-title').textContent = text(how);
    find('lost-why').textContent = text(`${how}_why`, { seat: seats, seats });
    find('lost-yes').textContent = text(how === 'lost' ? 'nearest' : 'once_more');
    if (!dialog.open) dialog.showModal();
    find('lost-yes').focus();
  }

  /** Holds the same seats again if they ran out and are still free, else the nearest equal ones. */
  async instead() {
    const { missed, sale, page } = this;
    const [first] = missed;
    if (!first) return;
    const before = new Set(sale.basket.seats.keys());
    const ranOut = find('lost').dataset.how === 'ran_out';
    const same = ranOut ? await this.lock({ seatIds: missed.map((seat) => seat.seatId) }) : null;
    const held = same?.ok ? same : await this.lock({ like: first.seatId, count: missed.length });
    if (held.ok) {
      const got = [...sale.basket.seats.values()].map(({ seat }) => seat).filter((seat) => !before.has(seat.seatId));
      page.told(text(held === same ? 'again_held' : 'got', { seats: listed(got) }));
      got.slice(0, 1).forEach(page.show);
    } else if (held.code === 'SEAT_TAKEN' || held.code === 'SOLD_OUT') {
      page.told(text('lost_none', { section: first.section }));
    } else {
      this.notHeld(held);
    }
    page.draw();
  }
}
