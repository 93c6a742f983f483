// @ts-check
/** Which state of the waiting page it is. The server decides alike (`services/waiting-room/src/page/shown.rs`). */

/**
 * @typedef {import('./sunbeon.js').Standing} Standing
 * @typedef {import('./sunbeon.js').Line} Line
 * @typedef {'early' | 'sign-in' | 'join' | 'full' | 'before' | 'waiting' | 'paused' | 'sold-out' | 'called'
 *   | 'entered' | 'over'} State
 *
 * @typedef {object} Facts
 * @property {Line} line
 * @property {Standing | null} [standing]
 * @property {boolean} known Whether we know who it is.
 * @property {boolean} guest
 */

/** The places and the milliseconds from which on the turn is near; the server knows the same. */
const [NEXT, NEXT_MS] = [10, 180_000];

/**
 * @param {Facts} facts
 * @param {number} now
 * @returns {State}
 */
export function stateOf({ line, standing, known, guest }, now) {
  const status = standing?.status ?? 'NOT_IN_QUEUE';
  const phase = phaseOf(line, now);
  if (status === 'READY') return 'called';
  if (status === 'ENTERED') return 'entered';
  if (status === 'BOOKING_CLOSED' || phase === 'closed' || phase === 'ended') return 'over';
  if (status === 'WAITING') {
    if (phase === 'early' || phase === 'before') return 'before';
    if (phase === 'paused') return 'paused';
    return line.soldOut ? 'sold-out' : 'waiting';
  }
  if (phase === 'early') return 'early';
  if (line.full) return 'full';
  return line.identity === 'member' && (!known || guest) ? 'sign-in' : 'join';
}

/**
 * The phase by the clock, which need not wait for the next look at the line.
 * @param {Line} line
 * @param {number} now
 * @returns {Line['state']}
 */
function phaseOf(line, now) {
  const past = (/** @type {string | undefined} */ at) => !!at && new Date(at).getTime() <= now;
  if (line.state === 'early' && past(line.opensAt)) return past(line.bookingStartAt) ? 'open' : 'before';
  if (line.state === 'before' && past(line.bookingStartAt)) return 'open';
  return line.state;
}

/**
 * Which text leads.
 * @param {State} state
 * @param {Facts} facts
 * @param {number} now
 */
export function leadOf(state, { line, standing }, now) {
  const starts = !!line.bookingStartAt && new Date(line.bookingStartAt).getTime() > now;
  if (state === 'join') return line.soldOut ? 'join-sold-out' : starts ? 'join-before' : 'join';
  if (state === 'waiting') {
    if (standing?.longWait) return 'waiting-long';
    const { queueNumber = Infinity, estimatedEnterAt } = standing ?? {};
    const near = estimatedEnterAt && new Date(estimatedEnterAt).getTime() - now <= NEXT_MS;
    if (near && queueNumber <= NEXT) return 'waiting-next';
  }
  return state;
}
