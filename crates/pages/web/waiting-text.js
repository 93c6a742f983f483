// @ts-check
/** How the waiting page tells numbers and times. The server does the same (`services/waiting-room/src/page/wait.rs`). */

/**
 * Fills the places `{name}` of a text.
 * @param {string} text
 * @param {Record<string, string | number>} values
 */
export function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (place, name) => String(values[name] ?? place));
}

/**
 * Groups digits by thousands: 1,284.
 * @param {number} number
 */
export function group(number) {
  return number.toLocaleString('en-US');
}

/**
 * Returns a time zone, or UTC where this browser does not know it.
 * @param {string} timeZone
 */
export function zoneOf(timeZone) {
  try {
    new Intl.DateTimeFormat('en', { timeZone });
    return timeZone;
  } catch {
    return 'UTC';
  }
}

/**
 * Returns the time of the day, `14:05`.
 * @param {number} at
 * @param {string} timeZone
 */
export function clock(at, timeZone) {
  return new Date(at).toLocaleTimeString('en-GB', { timeZone, hour: '2-digit', minute: '2-digit' });
}

/**
 * Tells a wait as a range in one unit: an estimate is never exact. It is never too early, so it is the range's
 * beginning; the end is a quarter later.
 * @param {number} seconds
 * @param {number} now
 * @param {string} timeZone
 * @returns {{unit: 'soon' | 'seconds' | 'minutes' | 'hours', low: number, high: number, clock: string}}
 */
export function waitOf(seconds, now, timeZone) {
  const latest = seconds + Math.max(10, Math.floor(seconds / 4));
  const step = seconds < 90 ? 10 : seconds < 5400 ? 60 : 1800;
  const low = Math.floor(seconds / step);
  const high = Math.ceil(latest / step);
  if (step === 10) {
    if (seconds < 10) return { unit: 'soon', low: 0, high: 0, clock: '' };
    return { unit: 'seconds', low: low * 10, high: high * 10, clock: '' };
  }
  const [from, to] = [low, high].map((steps) => clock(now + steps * step * 1000, timeZone));
  return { unit: step === 60 ? 'minutes' : 'hours', low, high, clock: `${from}–${to}` };
}

/**
 * Returns what is left as `4:58` or `1:04:58`, never less than nothing.
 * @param {number} ms
 */
export function left(ms) {
  const all = Math.max(0, Math.floor(ms / 1000));
  const [hours, minutes, seconds] = [Math.floor(all / 3600), Math.floor(all / 60) % 60, all % 60];
  const two = (/** @type {number} */ part) => String(part).padStart(2, '0');
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds)}` : `${minutes}:${two(seconds)}`;
}

/**
 * Tells a number of half hours.
 * @param {number} halves
 * @param {{whole: string, half: string}} texts
 */
export function hours(halves, texts) {
  return fill(halves % 2 ? texts.half : texts.whole, { h: Math.floor(halves / 2) });
}

/**
 * Tells an interval: in minutes where they are whole.
 * @param {number} seconds
 * @param {string[]} texts of seconds, and of minutes
 */
export function every(seconds, texts) {
  const minutes = seconds % 60 === 0;
  return fill(texts[Number(minutes)] ?? '', { n: minutes ? seconds / 60 : seconds });
}
