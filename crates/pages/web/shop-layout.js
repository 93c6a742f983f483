// @ts-check
/** Where the seats of a hall lie on the screen. Nothing here touches the page. */

/**
 * A seat as the API describes it.
 * @typedef {{seatId: string, section: string, row: number, number: number, price: number, state: 'AVAILABLE' | 'HELD' | 'SOLD'}} Seat
 */

/**
 * A section: its seats by row and number, both from 0 here.
 * @typedef {{name: string, price: number, rows: Seat[][], columns: number}} Section
 */

/** The least size of what a finger presses, in pixels. */
export const TOUCH = 44;
/** A mouse can do with less, if a whole row then fits. */
const SMALLEST = 30;
/** What is drawn beyond the visible part, so that a quick scroll shows no gaps, in seats. */
const MARGIN = 3;

/**
 * Sorts the seats of a map into sections, in the order in which the operator planned these.
 * @param {Seat[]} seats
 * @param {string[]} order the names of the sections
 * @returns {Section[]}
 */
export function sections(seats, order) {
  /** @type {Map<string, Section>} */
  const found = new Map(order.map((name) => [name, { name, price: 0, rows: [], columns: 0 }]));
  for (const seat of seats) {
    const section = found.get(seat.section) ?? { name: seat.section, price: 0, rows: [], columns: 0 };
    found.set(seat.section, section);
    section.price = seat.price;
    section.columns = Math.max(section.columns, seat.number);
    (section.rows[seat.row - 1] ??= [])[seat.number - 1] = seat;
  }
  return [...found.values()].filter((section) => section.rows.length > 0);
}

/** @param {Section} section */
export function free(section) {
  return section.rows.reduce((sum, row) => row.reduce((all, seat) => all + Number(seat.state === 'AVAILABLE'), sum), 0);
}

/** The places of a section's seats, in a box of some width. */
export class Layout {
  /**
   * @param {Section} section
   * @param {number} width of the box, in pixels
   * @param {boolean} fine whether a mouse points, not a finger
   */
  constructor(section, width, fine) {
    this.rows = section.rows.length;
    this.columns = section.columns;
    const fitting = Math.floor(width / this.columns);
    const fits = fine && fitting >= SMALLEST;
    /** The distance between two seats. */
    this.pitch = fits ? Math.min(fitting, TOUCH) : TOUCH;
    /** How much lower the middle of a row lies than its ends: rows bend around the stage. */
    this.bend = Math.round(Math.min(this.columns / 20, 1) * this.pitch / 3);
    this.width = this.columns * this.pitch;
    this.height = this.rows * this.pitch + this.bend;
  }

  /** The left edge of a seat's square. @param {number} column */
  x(column) {
    return column * this.pitch;
  }

  /** The upper edge of a seat's square. @param {number} row @param {number} column */
  y(row, column) {
    const middle = (this.columns - 1) / 2;
    const off = middle === 0 ? 0 : (column - middle) / middle;
    return Math.round(row * this.pitch + this.bend * (1 - off * off));
  }

  /**
   * The rows and columns to draw for a visible part, the last ones excluded.
   * @param {{left: number, top: number, width: number, height: number}} part
   */
  within(part) {
    const first = (/** @type {number} */ from) => Math.max(0, Math.floor(from / this.pitch) - MARGIN);
    const last = (/** @type {number} */ to) => Math.ceil(to / this.pitch) + MARGIN;
    return {
      top: first(part.top - this.bend),
      bottom: Math.min(this.rows, last(part.top + part.height)),
      left: first(part.left),
      right: Math.min(this.columns, last(part.left + part.width)),
    };
  }
}

/** By how much each key moves, in rows and columns. @type {Map<string, [number, number]>} */
const STEPS = new Map(Object.entries({
  ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1],
  PageUp: [-5, 0], PageDown: [5, 0], Home: [0, -Infinity], End: [0, Infinity],
}));

/**
 * The seat to which a key leads; `null` if it is no key of the map.
 * @param {string} key
 * @param {{row: number, column: number}} at
 * @param {Section} section
 */
export function moved(key, at, section) {
  const step = STEPS.get(key);
  if (!step) return null;
  const within = (/** @type {number} */ place, /** @type {number} */ count) => Math.max(0, Math.min(count - 1, place));
  const row = within(at.row + step[0], section.rows.length);
  const column = within(at.column + step[1], section.columns);
  return section.rows[row]?.[column] ? { row, column } : at;
}
