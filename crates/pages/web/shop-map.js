// @ts-check
/**
 * The seats of one section, drawn as an SVG grid. Only what is visible is in the page, so 20,000 seats scroll as
 * smoothly as 200.
 */

import { Layout, moved } from './shop-layout.js';

/** @typedef {import('./shop-layout.js').Section} Section */
/** @typedef {import('./shop-layout.js').Seat} Seat */
/** @typedef {import('./shop-sale.js').State} State */

/**
 * @param {string} name
 * @param {Record<string, string | number>} attributes
 * @param {Element[]} children
 */
function svg(name, attributes = {}, children = []) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  element.append(...children);
  return element;
}

/**
 * Makes these the children of an element, in this order, and leaves alone what stays: the focus is in there.
 * @param {Element} parent
 * @param {Element[]} wanted in the order in which those that stay are already
 */
function arrange(parent, wanted) {
  const stay = new Set(wanted);
  for (const child of [...parent.children]) if (!stay.has(child)) child.remove();
  let at = parent.firstElementChild;
  for (const child of wanted) {
    if (child === at) at = at.nextElementSibling;
    else parent.insertBefore(child, at);
  }
}

/** The width of the rows' names, in pixels. */
const NAMES = 28;

export class SeatMap {
  /**
   * @param {HTMLElement} box what scrolls
   * @param {{
   *   state: (seat: Seat) => State, spoken: (seat: Seat, state: State) => string,
   *   named: (section: Section) => string, pick: (seat: Seat) => void,
   * }} shop what the map asks and tells
   */
  constructor(box, shop) {
    this.box = box;
    this.shop = shop;
    /** @type {Section | null} */
    this.section = null;
    /** The seat that the Tab key reaches. */
    this.at = { row: 0, column: 0 };
    /** @type {Map<number, Element>} */
    this.rows = new Map();
    /** What is in the page, by the seat's id. @type {Map<string, {seat: Seat, cell: Element, shown: string}>} */
    this.cells = new Map();
    this.fine = matchMedia('(pointer: fine)');
    this.names = svg('svg', { class: 'rows', 'aria-hidden': 'true' });
    this.grid = svg('svg', { role: 'grid', class: 'grid', 'aria-describedby': 'keys' });
    this.box.append(this.names, this.grid);
    this.asked = 0;
    this.box.addEventListener('scroll', () => this.later(), { passive: true });
    new ResizeObserver(() => this.fit()).observe(this.box);
    this.grid.addEventListener('click', (event) => this.clicked(event));
    this.grid.addEventListener('keydown', (event) => this.pressed(/** @type {KeyboardEvent} */ (event)));
  }

  /** @param {Section} section */
  show(section) {
    const same = this.section?.name === section.name;
    this.section = section;
    if (!same) {
      this.at = { row: 0, column: Math.floor((section.columns - 1) / 2) };
      this.forget();
      this.fit();
      this.box.scrollTo(Math.max(0, (this.grid.clientWidth + NAMES - this.box.clientWidth) / 2), 0);
    }
    this.draw();
  }

  /** Draws anew what may have changed. */
  refresh() {
    for (const { seat, cell } of this.cells.values()) this.paint(seat, cell);
  }

  focus() {
    this.cell(this.at)?.focus();
  }

  /** Brings a seat into view and makes it the one that the Tab key reaches. @param {Seat} seat */
  lead(seat) {
    if (!this.layout || seat.section !== this.section?.name) return;
    this.turn({ row: seat.row - 1, column: seat.number - 1 });
  }

  forget() {
    this.rows.clear();
    this.cells.clear();
    this.grid.replaceChildren();
  }

  /** Lays the section out for the width that there is. */
  fit() {
    if (!this.section || this.box.clientWidth === 0) return;
    const before = this.layout;
    const layout = new Layout(this.section, this.box.clientWidth - NAMES, this.fine.matches);
    this.layout = layout;
    const same = before && before.pitch === layout.pitch && before.columns === layout.columns && before.rows === layout.rows;
    if (same && this.cells.size > 0) return this.later();
    this.forget();
    for (const [element, width] of /** @type {[Element, number][]} */ ([[this.names, NAMES], [this.grid, layout.width]])) {
      element.setAttribute('width', String(width));
      element.setAttribute('height', String(layout.height));
    }
    this.grid.setAttribute('aria-label', this.shop.named(this.section));
    this.grid.setAttribute('aria-rowcount', String(layout.rows));
    this.grid.setAttribute('aria-colcount', String(layout.columns));
    const names = this.section.rows.map((_, row) => {
      const name = svg('text', { x: NAMES - 6, y: row * layout.pitch + (layout.bend + layout.pitch) / 2, class: 'row-name' });
      name.textContent = String(row + 1);
      return name;
    });
    this.names.replaceChildren(...names);
    this.draw();
  }

  later() {
    if (this.asked) return;
    this.asked = requestAnimationFrame(() => {
      this.asked = 0;
      this.draw();
    });
  }

  /** Puts the visible seats, and the one that the Tab key reaches, into the page. */
  draw() {
    const { section, layout } = this;
    if (!section || !layout) return;
    const { scrollLeft: left, scrollTop: top, clientWidth: width, clientHeight: height } = this.box;
    const part = layout.within({ left, top, width, height });
    const shown = [];
    for (let row = 0; row < layout.rows; row += 1) {
      const visible = row >= part.top && row < part.bottom;
      if (visible || row === this.at.row) shown.push(this.row(row, visible ? part : { left: 0, right: 0 }));
    }
    arrange(this.grid, shown);
    const there = new Set(shown);
    for (const [row, element] of this.rows) if (!there.has(element)) this.rows.delete(row);
    for (const [id, { cell }] of this.cells) if (!cell.isConnected) this.cells.delete(id);
  }

  /** @param {number} row @param {{left: number, right: number}} part */
  row(row, { left, right }) {
    const element = this.rows.get(row) ?? svg('g', { role: 'row', 'aria-rowindex': row + 1 });
    this.rows.set(row, element);
    const cells = [];
    const seats = /** @type {Section} */ (this.section).rows[row] ?? [];
    for (let column = 0; column < seats.length; column += 1) {
      const seat = seats[column];
      const reached = row === this.at.row && column === this.at.column;
      if (seat && (reached || (column >= left && column < right))) cells.push(this.square(seat, reached));
    }
    arrange(element, cells);
    return element;
  }

  /** @param {Seat} seat @param {boolean} reached */
  square(seat, reached) {
    const layout = /** @type {Layout} */ (this.layout);
    const known = this.cells.get(seat.seatId);
    if (known) {
      known.cell.setAttribute('tabindex', reached ? '0' : '-1');
      return this.paint(seat, known.cell);
    }
    const { pitch } = layout;
    const gap = Math.max(2, Math.round(pitch / 10));
    const [x, y] = [layout.x(seat.number - 1), layout.y(seat.row - 1, seat.number - 1)];
    const size = pitch - 2 * gap;
    const number = svg('text', { x: pitch / 2, y: pitch / 2 });
    number.textContent = String(seat.number);
    const cell = svg('g', {
      role: 'gridcell', class: 'cell', id: `seat-${seat.seatId}`, 'data-seat': seat.seatId, 'aria-colindex': seat.number,
      tabindex: reached ? 0 : -1, transform: `translate(${x} ${y})`,
    }, [
      svg('rect', { class: 'press', width: pitch, height: pitch }),
      svg('rect', { class: 'seat', x: gap, y: gap, width: size, height: size, rx: Math.round(pitch / 5) }),
      number,
      svg('path', { class: 'tick', d: 'M-7 0.5l5 5 9-11', transform: `translate(${pitch / 2} ${pitch / 2})` }),
    ]);
    this.cells.set(seat.seatId, { seat, cell, shown: '' });
    return this.paint(seat, cell);
  }

  /** @param {Seat} seat @param {Element} cell */
  paint(seat, cell) {
    const state = this.shop.state(seat);
    const known = this.cells.get(seat.seatId);
    if (known && known.shown !== state) {
      known.shown = state;
      cell.querySelector('.seat')?.setAttribute('class', `seat ${state}`);
      cell.setAttribute('class', `cell ${state}`);
      cell.setAttribute('aria-label', this.shop.spoken(seat, state));
      cell.setAttribute('aria-selected', String(state === 'mine'));
      const fixed = state === 'held' || state === 'sold' || state === 'bought';
      cell.setAttribute('aria-disabled', String(fixed));
    }
    return cell;
  }

  /** @param {{row: number, column: number}} at @returns {HTMLElement | undefined} */
  cell(at) {
    const id = this.section?.rows[at.row]?.[at.column]?.seatId ?? '';
    return /** @type {HTMLElement | undefined} */ (/** @type {unknown} */ (this.cells.get(id)?.cell));
  }

  /** Lets the Tab key reach another seat, and shows it. @param {{row: number, column: number}} at */
  turn(at) {
    this.cell(this.at)?.setAttribute('tabindex', '-1');
    this.at = at;
    const layout = /** @type {Layout} */ (this.layout);
    const { pitch } = layout;
    const [x, y] = [layout.x(at.column), layout.y(at.row, at.column)];
    const into = (/** @type {number} */ scroll, /** @type {number} */ size, /** @type {number} */ from) =>
      Math.min(from, Math.max(scroll, from + pitch - size));
    this.box.scrollTo({
      left: into(this.box.scrollLeft, this.box.clientWidth - NAMES, x),
      top: into(this.box.scrollTop, this.box.clientHeight, y),
      behavior: 'instant',
    });
    this.draw();
    this.cell(at)?.setAttribute('tabindex', '0');
  }

  /** @param {Event} event */
  clicked(event) {
    const cell = event.target instanceof Element ? event.target.closest('.cell') : null;
    const seat = this.cells.get(cell?.getAttribute('data-seat') ?? '')?.seat;
    if (!seat) return;
    this.turn({ row: seat.row - 1, column: seat.number - 1 });
    this.focus();
    this.shop.pick(seat);
  }

  /** @param {KeyboardEvent} event */
  pressed(event) {
    if (!this.section || event.altKey || event.metaKey) return;
    if (event.key === ' ' || event.key === 'Enter') {
      event.preventDefault();
      const seat = this.section.rows[this.at.row]?.[this.at.column];
      if (seat && !event.repeat) this.shop.pick(seat);
      return;
    }
    const from = event.ctrlKey && (event.key === 'Home' || event.key === 'End') ? this.corner(event.key) : this.at;
    const to = moved(event.key, from, this.section);
    if (!to) return;
    event.preventDefault();
    this.turn(to);
    this.focus();
  }

  /** @param {string} key */
  corner(key) {
    const last = /** @type {Section} */ (this.section).rows.length - 1;
    return { row: key === 'Home' ? 0 : last, column: this.at.column };
  }
}
