// @ts-check
/** Time left, by the server's clock, and times of day. */

/** A clock that goes on from a reading of the server's. */
export class Clock {
  /**
   * @param {number} reading the server's clock when it answered, in milliseconds since the epoch
   * @param {number} arrived this machine's clock when the answer came
   * @param {() => number} own this machine's clock, which may be wrong but goes on
   */
  constructor(reading, arrived, own = Date.now) {
    this.own = own;
    this.ahead = reading - arrived;
  }

  now() {
    return this.own() + this.ahead;
  }

  /**
   * How many milliseconds are left until a moment; never below 0.
   * @param {number} until in milliseconds since the epoch
   */
  left(until) {
    return Math.max(0, until - this.now());
  }
}

/**
 * Writes a time that is left, rounded up to whole seconds: `9:41`, `1:02:03`.
 * @param {number} left in milliseconds
 */
export function written(left) {
  const seconds = Math.ceil(left / 1000);
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  const two = (/** @type {number} */ number) => String(number).padStart(2, '0');
  const short = `${minutes}:${two(seconds % 60)}`;
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : short;
}

/**
 * Tells a moment as the server does (`local_moment` in `crates/domain/src/time.rs`): `12월 24일 (목) 19:00`, `Thu 24 Dec, 19:00`.
 * @param {number} at in milliseconds since the epoch
 * @param {string | undefined} timeZone the concert's; this machine's if it is not known
 * @param {string} lang
 */
export function moment(at, timeZone, lang) {
  const part = (/** @type {string} */ locale, /** @type {Intl.DateTimeFormatOptions} */ wanted) =>
    new Intl.DateTimeFormat(locale, { timeZone, ...wanted }).format(at);
  const day = part('en-US', { day: 'numeric' });
  const clock = part('en-GB', { hour: '2-digit', minute: '2-digit' });
  return lang === 'ko'
    ? `${part('en-US', { month: 'numeric' })}월 ${day}일 (${part('ko-KR', { weekday: 'short' })}) ${clock}`
    : `${part('en-US', { weekday: 'short' })} ${day} ${part('en-US', { month: 'short' })}, ${clock}`;
}
