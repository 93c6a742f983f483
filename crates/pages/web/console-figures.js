// @ts-check
// What the console makes of the operators' lines. Pure functions; times are milliseconds.

/**
 * A line as `GET /v2/waiting-room/admin` answers it.
 * @typedef {object} Line
 * @property {string} concertId
 * @property {string} concertTitle
 * @property {'queue' | 'threshold' | 'off'} mode
 * @property {'early' | 'before' | 'open' | 'paused' | 'ended' | 'closed'} state
 * @property {number} version
 * @property {string} at
 * @property {Record<'waiting' | 'away' | 'admitting' | 'ready' | 'inside' | 'slots', number>} counts
 * @property {Record<'joined' | 'admitted' | 'left' | 'removed' | 'lapsed' | 'cleared' | 'unclaimed' | 'expired' | 'completed' | 'exited', number>} totals
 * @property {boolean} addsUp
 * @property {number} outOfOrder  How many were in line when somebody behind them was taken.
 * @property {{one: number, five: number, fifteen: number, sinceAt?: string}} pace
 * @property {number} [maxActive]
 * @property {number} [head]
 * @property {string} [held]  Why the schedule takes nobody.
 * @property {boolean} [soldOut]
 * @property {boolean} [stopWhenSoldOut]  Whether nobody is called then.
 * @property {{tiers: {name: string, price?: number, left: number}[], reportedAt: string}} [stock]
 */

/**
 * Returns how many entries ended in none of the ways that there are: what the two sums do not explain.
 * @param {Line} line
 */
export function lost({ counts, totals }) {
  const joined = counts.waiting + counts.away + counts.admitting + totals.admitted + totals.left
    + totals.removed + totals.lapsed + totals.cleared;
  const admitted = counts.ready + counts.inside + totals.unclaimed + totals.expired + totals.completed
    + totals.exited;
  return Math.abs(totals.joined - joined) + Math.abs(totals.admitted - admitted);
}

/**
 * Returns how many slots are taken beyond the limit now. Mode `off` has none.
 * @param {Line} line
 */
export function overCap({ mode, counts, maxActive }) {
  return mode === 'off' || maxActive === undefined ? 0 : Math.max(0, counts.slots - maxActive);
}

/**
 * Returns how long the first in line has been waiting, or `undefined` if nobody is.
 * @param {Line} line
 */
export function longestWait({ at, head }) {
  return head === undefined ? undefined : Math.max(0, Date.parse(at) - head / 1000);
}

/**
 * Returns how many seats and tickets are left in all price tiers, or `undefined` if no shop says so.
 * @param {Line} line
 */
export function left({ stock }) {
  return stock?.tiers.reduce((sum, tier) => sum + tier.left, 0);
}

const OVER = ['ended', 'closed'];

/**
 * Returns lines in the order in which they are shown: sales that are over come last.
 * @param {Line[]} lines
 * @param {string} language
 */
export function inOrder(lines, language) {
  const over = (/** @type {Line} */ line) => Number(OVER.includes(line.state));
  const { compare } = new Intl.Collator(language, { numeric: true });
  return [...lines].sort((a, b) => over(a) - over(b)
    || compare(a.concertTitle, b.concertTitle) || compare(a.concertId, b.concertId));
}

/**
 * Returns the line that an operator most likely wants to see: the one in which most wait; where
 * nobody waits, the first in which anybody could.
 * @param {Line[]} lines  At least one.
 * @param {string} language
 */
export function busiest(lines, language) {
  const waiting = (/** @type {Line} */ { counts }) => counts.waiting + counts.away;
  const ordered = inOrder(lines, language);
  const first = ordered.find(({ mode, state }) => mode !== 'off' && !OVER.includes(state)) ?? ordered[0];
  return ordered.reduce((most, line) => (waiting(line) > waiting(most) ? line : most), /** @type {Line} */ (first));
}

/**
 * Returns how many are admitted a minute, or `null` while it is not known. The line's own pace does not count who
 * walks straight in, so it is the figure only where nobody does.
 * @param {Line} line
 * @param {History} history
 */
export function rate({ mode, pace }, history) {
  return history.rate() ?? (mode === 'queue' ? pace.one : null);
}

/** Kept of each line: 30 minutes, a point every 5 s. */
const KEPT = 30 * 60_000;
const EVERY = 5_000;
const MINUTE = 60_000;
/** Without a figure for so long, a curve is broken. */
const GAP = 30_000;

/** @typedef {{at: number, waiting: number, admitted: number, rate: number | null}} Point */

/** How one line went, since the console was opened. */
export class History {
  /** @param {Point[]} points */
  constructor(points = []) {
    /** @type {Point[]} */
    this.points = points;
  }

  /**
   * Adds what a line is now.
   * @param {Line} line
   * @param {number} now
   */
  add(line, now) {
    const admitted = line.totals.admitted;
    const last = this.points.at(-1);
    if (last && (admitted < last.admitted || now < last.at)) this.points = [];
    const waiting = line.counts.waiting + line.counts.away;
    const point = { at: now, waiting, admitted, rate: this.#rate(admitted, now) };
    const before = this.points.at(-2);
    // The last point moves until it is far enough from the one before.
    if (before && (this.points.at(-1)?.at ?? 0) - before.at < EVERY) this.points.pop();
    this.points.push(point);
    while (now - (this.points[0]?.at ?? now) > KEPT) this.points.shift();
  }

  /**
   * Returns how many were admitted within the minute before, or `null` while less is known.
   * @param {number} admitted
   * @param {number} now
   */
  #rate(admitted, now) {
    const since = this.points.findLast((point) => now - point.at >= MINUTE);
    if (!since || now - since.at > MINUTE + GAP) return null;
    return Math.round(((admitted - since.admitted) * MINUTE) / (now - since.at));
  }

  /** Returns how many are admitted a minute, if it is known. */
  rate() {
    return this.points.at(-1)?.rate ?? null;
  }

  /**
   * Returns the columns of both charts; where nothing was known, the curves are broken.
   * @returns {{at: number[], waiting: (number | null)[], rate: (number | null)[]}}
   */
  columns() {
    /** @type {{at: number[], waiting: (number | null)[], rate: (number | null)[]}} */
    const columns = { at: [], waiting: [], rate: [] };
    let last = this.points[0]?.at ?? 0;
    for (const { at, waiting, rate } of this.points) {
      if (at - last > GAP) {
        columns.at.push(last / 1000 + 1);
        columns.waiting.push(null);
        columns.rate.push(null);
      }
      columns.at.push(at / 1000);
      columns.waiting.push(waiting);
      columns.rate.push(rate);
      last = at;
    }
    return columns;
  }
}

/** After so long without a call, the taken wait for a consumer that is not there. */
const STUCK = 3_000;

/** Notices that people were taken off a line and nobody calls them. */
export class Calls {
  /** @type {Map<string, {admitted: number, since: number}>} */
  #waiting = new Map();

  /**
   * Returns for how long the taken of a line have been waiting for their call, or 0.
   * @param {Line} line
   * @param {number} now
   */
  stuck({ concertId, counts, totals }, now) {
    const before = this.#waiting.get(concertId);
    if (counts.admitting === 0) {
      this.#waiting.delete(concertId);
      return 0;
    }
    if (!before || before.admitted !== totals.admitted) {
      this.#waiting.set(concertId, { admitted: totals.admitted, since: now });
      return 0;
    }
    const long = now - before.since;
    return long >= STUCK ? long : 0;
  }
}

/** What holds a line until somebody acts. That it is paused, sold out or full is said where it is shown. */
const AWAY = ['waitingRoomAway', 'tokenAway', 'silence'];

/**
 * Something that an operator must know. `word` names its text, `lines` are the titles that it concerns.
 * @typedef {object} Trouble
 * @property {string} word
 * @property {boolean} bad  Whether somebody must act.
 * @property {string[]} lines
 * @property {Record<string, number | string>} values
 */

/**
 * What the control plane counts outside the lines, as far as it is known.
 * @typedef {object} Counted
 * @property {number} [letters]  How many dead letters there are.
 * @property {{open: number, closed: number}} [gates]  How many gates are blind, by whether they let everybody in.
 */

/**
 * Returns what is wrong, the worst first; one entry for each kind, however many lines have it.
 * @param {Line[]} lines
 * @param {Record<string, string>} health
 * @param {(line: Line) => number} stuck
 * @param {Counted} [counted]
 * @returns {Trouble[]}
 */
export function troubles(lines, health, stuck, { letters = 0, gates } = {}) {
  /** @type {Map<string, Trouble>} */
  const found = new Map();
  const note = (/** @type {string} */ word, /** @type {boolean} */ bad, /** @type {string} */ title, many = 0) => {
    const trouble = found.get(word) ?? { word, bad, lines: [], values: { many: 0 } };
    if (title) trouble.lines.push(title);
    trouble.values.many = Number(trouble.values.many) + many;
    found.set(word, trouble);
  };
  for (const line of lines) if (lost(line)) note('lost', true, line.concertTitle, lost(line));
  for (const line of lines) if (line.outOfOrder) note('disorder', true, line.concertTitle, line.outOfOrder);
  if (health.control === 'down') note('control_down', true, '');
  if (health.broker === 'down') note('broker_down', true, '');
  if (health.database === 'down') note('database_down', true, '');
  if (gates?.open) note('gates_open', true, '', gates.open);
  if (gates?.closed) note('gates_closed', true, '', gates.closed);
  for (const line of lines) {
    if (line.held && AWAY.includes(line.held)) note(`held_${line.held}`, true, line.concertTitle);
    if (line.held === 'messages' || stuck(line)) note('stuck', true, line.concertTitle, line.counts.admitting);
  }
  if (letters) note('letters', false, '', letters);
  for (const line of lines) if (overCap(line)) note('over', false, line.concertTitle, overCap(line));
  for (const line of lines) if (line.soldOut && line.stopWhenSoldOut !== false) note('sold_out', false, line.concertTitle);
  return [...found.values()];
}

/**
 * Returns what an act's detail says, a fact each, in the order of these fields; `old` where it is told.
 * @param {Record<string, any>} detail
 * @param {string[]} order
 * @returns {{field: string, old?: any, now: any}[]}
 */
export function facts({ before = {}, ...detail }, order) {
  const place = (/** @type {string} */ field) => (order.includes(field) ? order.indexOf(field) : order.length);
  return Object.entries(detail).sort(([a], [b]) => place(a) - place(b))
    .map(([field, now]) => ({ field, now, ...(field in before && { old: before[field] }) }));
}
