// @ts-check
/** What there is to choose from, and what is chosen: the sections, the tickets, the basket. */

import { free } from './shop-layout.js';
import { button, find, make, tell } from './shop-page.js';
import { grouped, money, text } from './shop-text.js';

/** @typedef {import('./shop-sale.js').Sale} Sale */
/** @typedef {import('./shop-layout.js').Seat} Seat */
/** @typedef {import('./shop-layout.js').Section} Section */
/** @typedef {import('./shop-basket.js').Ticket} Ticket */

/**
 * What the visitor does with it.
 * @typedef {{show: (section: Section) => void, step: (kind: Ticket, by: number) => void, putBack: (seat: Seat) => void}} Acts
 */

/** A seat's name. @param {Seat} seat */
export function named(seat) {
  return text('seat', { section: seat.section, row: seat.row, number: seat.number });
}

export class Choice {
  /** @param {Sale} sale @param {Acts} acts */
  constructor(sale, acts) {
    this.sale = sale;
    this.acts = acts;
  }

  /** Draws everything; `frozen` while a booking waits to be paid. @param {boolean} frozen */
  draw(frozen) {
    this.sections();
    this.tickets(frozen);
    this.items(frozen);
    this.sum(frozen);
  }

  /** Marks a section as the one that is shown. @param {Section} section */
  mark(section) {
    const inputs = /** @type {HTMLInputElement[]} */ ([...find('sections').querySelectorAll('input')]);
    for (const input of inputs) input.checked = input.value === section.name;
  }

  sections() {
    const [box, { hall }] = [find('sections'), this.sale];
    if (box.querySelectorAll('label').length !== hall.length) {
      box.replaceChildren(box.querySelector('legend'), ...hall.map((section) => this.section(section)));
      if (this.sale.first) this.mark(this.sale.first);
    }
    box.querySelectorAll('.left').forEach((/** @type {HTMLElement} */ element, /** @type {number} */ index) => {
      const section = hall[index];
      if (section) tell(element, left(free(section), 'left_seats'));
    });
  }

  /** @param {Section} section */
  section(section) {
    const radio = make('input', { type: 'radio', name: 'section', value: section.name });
    radio.addEventListener('change', () => this.acts.show(section));
    return make('label', { class: 'section' }, radio, make('b', {}, text('section', { section: section.name })),
      make('span', { class: 'small' }, money(section.price)), make('span', { class: 'small quiet left' }));
  }

  /** @param {boolean} frozen */
  tickets(frozen) {
    const [list, { kinds, basket }] = [find('tickets'), this.sale];
    if (list.children.length !== kinds.length) list.replaceChildren(...kinds.map((kind) => this.ticket(kind)));
    kinds.forEach((kind, index) => {
      const row = list.children[index];
      const count = basket.tickets.get(kind.ticketId)?.count ?? 0;
      row.querySelector('.left').textContent = left(kind.remaining, 'ticket_left');
      row.querySelector('output').textContent = String(count);
      // Not disabled: a button that has the focus must not lose it.
      row.querySelector('.fewer').setAttribute('aria-disabled', String(frozen || count === 0));
      row.querySelector('.more').setAttribute('aria-disabled', String(frozen || count >= kind.remaining || basket.room === 0));
    });
  }

  /** @param {Ticket} kind */
  ticket(kind) {
    const { name } = kind;
    return make('li', { class: 'ticket' },
      make('div', {}, make('b', {}, name), make('span', { class: 'small quiet' }, money(kind.price)), make('span', { class: 'small quiet left' })),
      make('div', { class: 'stepper', role: 'group', 'aria-label': name },
        button('−', () => this.acts.step(kind, -1), { class: 'fewer', 'aria-label': text('fewer', { name }) }),
        make('output', {}),
        button('+', () => this.acts.step(kind, 1), { class: 'more', 'aria-label': text('more', { name }) })));
  }

  /** @param {boolean} frozen */
  items(frozen) {
    const [list, { basket }] = [find('items'), this.sale];
    const seats = [...basket.seats.values()].map(({ seat }) => this.item(named(seat), seat.price, frozen ? null : seat));
    const tickets = [...basket.tickets.values()].map(({ ticket, count }) =>
      this.item(text('ticket_line', { name: ticket.name, n: count }), ticket.price * count, null));
    const wanted = [...seats, ...tickets];
    const same = list.children.length === wanted.length && wanted.every((item, index) => item.isEqualNode(list.children[index]));
    if (same) return;
    const focused = list.contains(document.activeElement);
    list.replaceChildren(...wanted);
    if (focused) find('basket-title').focus();
  }

  /** @param {string} name @param {number} price @param {Seat | null} seat that can be put back */
  item(name, price, seat) {
    const item = make('li', {}, make('span', {}, name), make('span', { class: 'price' }, money(price)));
    if (seat) item.append(button('×', () => this.acts.putBack(seat), { class: 'plain take-out', 'aria-label': text('take_out', { seat: name }) }));
    return item;
  }

  /** @param {boolean} frozen */
  sum(frozen) {
    const { hall, basket } = this.sale;
    tell(find('empty'), basket.count > 0 ? '' : text(hall.length > 0 ? 'basket_none' : 'basket_none_tickets'));
    find('limit').textContent = text(basket.bought >= basket.limit ? 'limit_all' : 'limit', { n: basket.limit });
    find('count').textContent = text('count', { n: basket.count });
    find('sum').textContent = money(basket.sum);
    find('pay').textContent = text(frozen ? 'go_on' : 'pay');
    find('pay').disabled = basket.count === 0;
    find('give-up').hidden = !frozen;
  }
}

/** @param {number} many @param {string} key */
function left(many, key) {
  return many > 0 ? text(key, { n: grouped(many) }) : text('none_left');
}
