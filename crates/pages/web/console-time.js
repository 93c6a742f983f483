// @ts-check
// Moments, and what a clock on the wall of a time zone shows.

/**
 * Returns how far a zone's clocks are ahead of UTC at a moment, in milliseconds.
 * @param {number} at
 * @param {string} zone  An IANA name; throws a RangeError for any other.
 */
function ahead(at, zone) {
  const format = new Intl.DateTimeFormat('en', {
    timeZone: zone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric',
    hour: 'numeric', minute: 'numeric', second: 'numeric',
  });
  const parts = format.formatToParts(at);
  const part = (/** @type {string} */ name) => Number(parts.find(({ type }) => type === name)?.value);
  const wall = Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second'));
  return wall - Math.floor(at / 1000) * 1000;
}

/**
 * Returns what a `datetime-local` field shows for a moment: the zone's wall clock.
 * @param {string} moment  RFC 3339
 * @param {string} zone
 */
export function toWall(moment, zone) {
  const at = Date.parse(moment);
  const wall = new Date(at + ahead(at, zone)).toISOString();
  return wall.slice(0, wall.slice(17, 19) === '00' ? 16 : 19);
}

/**
 * Returns the moment at which the zone's wall clock shows this. A time that the clocks skip becomes the one as
 * long after the gap; of a time that they show twice, the first counts.
 * @param {string} wall  Such as `2026-12-24T20:00`
 * @param {string} zone
 */
export function toMoment(wall, zone) {
  const utc = Date.parse(`${wall}Z`);
  const day = 86_400_000;
  const candidates = [ahead(utc - day, zone), ahead(utc + day, zone)].map((offset) => utc - offset);
  const exact = candidates.filter((at) => at + ahead(at, zone) === utc);
  return new Date(exact.length ? Math.min(...exact) : utc - ahead(utc - day, zone)).toISOString();
}
