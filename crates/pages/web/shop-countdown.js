// @ts-check
/** How long the session and what is held last, on the page. */

import { Clock, written } from './shop-clock.js';
import { find, say, stress, tell } from './shop-page.js';
import { text } from './shop-text.js';

/** When a countdown asks for attention, in milliseconds. */
const SOON = 60_000;
/** How long after its end a session is asked about: the gate decides whether it is over. In milliseconds. */
const AFTER = 1_000;

export class Countdown {
  /**
   * @param {number} now the server's clock when it sent the page
   * @param {number | null} session when the session ends; `null` if there is none
   * @param {{holdOver: () => void, sessionOver: () => void}} then called as long as it is over
   */
  constructor(now, session, then) {
    const page = /** @type {PerformanceNavigationTiming | undefined} */ (performance.getEntriesByType('navigation')[0]);
    this.clock = new Clock(now, page ? performance.timeOrigin + page.responseStart : Date.now());
    this.session = session;
    /** When what is held runs out. @type {number | null} */
    this.hold = null;
    this.then = then;
    /** What was warned of, each once. @type {Set<string>} */
    this.warned = new Set();
    this.asked = 0;
  }

  tick() {
    if (this.session !== null) this.tickSession(this.clock.left(this.session));
    const left = this.hold === null ? null : this.clock.left(this.hold);
    if (left === null) return tell(find('hold'), '');
    stress(find('hold'), (part) => text('hold', { left: part }), written(left));
    this.warn('hold_soon', left);
    if (left === 0) this.then.holdOver();
    return undefined;
  }

  /** @param {number} left */
  tickSession(left) {
    document.getElementById('session')?.classList.toggle('soon', left <= SOON);
    const shown = document.getElementById('session-left');
    if (shown) shown.textContent = text('session_left', { left: written(left) });
    this.warn('session_soon', left);
    if (left === 0 && this.clock.now() > this.asked + AFTER) {
      this.asked = this.clock.now();
      this.then.sessionOver();
    }
  }

  /** Says once that little is left. @param {string} key @param {number} left */
  warn(key, left) {
    if (left > SOON) this.warned.delete(key);
    else if (left > 0 && !this.warned.has(key)) {
      this.warned.add(key);
      say(text(key, { left: written(left) }));
    }
  }
}
