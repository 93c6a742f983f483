// @ts-check
// Every state of the waiting page, as the API tells it: for unit tests, for tests in a browser and for pictures.

/**
 * @typedef {import('../../../pages/web/sunbeon.js').Standing} Standing
 * @typedef {import('../../../pages/web/sunbeon.js').Line} Line
 */

/** @param {number} seconds */
export const inSeconds = (seconds) => new Date(Date.now() + seconds * 1000).toISOString();

/**
 * @param {Partial<Line>} [more]
 * @returns {Line}
 */
export function line(more = {}) {
  return {
    concertId: 'winter',
    concertTitle: '겨울 콘서트',
    mode: 'queue',
    identity: 'guest',
    state: 'open',
    timeZone: 'Asia/Seoul',
    groupSize: 20,
    entryIntervalSeconds: 10,
    autoOpen: true,
    front: 1000,
    taken: 3800,
    totalWaitingCount: 1686,
    pace: { one: 119, five: 600, fifteen: 1800, sinceAt: inSeconds(-1800) },
    at: inSeconds(0),
    ...more,
  };
}

/** What is left, with a price that is gone. */
export const stock = {
  tiers: [
    { name: 'R석', price: 150000, left: 0 },
    { name: 'S석', price: 120000, left: 1204 },
    { name: 'A석', price: 99000, left: 3910 },
  ],
  reportedAt: inSeconds(0),
};

const none = { ...stock, tiers: stock.tiers.map((tier) => ({ ...tier, left: 0 })) };

/**
 * @param {Partial<Standing>} [more]
 * @returns {Standing}
 */
export function waiting(more = {}) {
  return {
    concertId: 'winter',
    concertTitle: '겨울 콘서트',
    status: 'WAITING',
    canEnter: false,
    entryNumber: 2284,
    queueNumber: 1284,
    totalWaitingCount: 1686,
    estimatedWaitSeconds: 645,
    estimatedEnterAt: inSeconds(645),
    longWait: false,
    pollAfterMs: 5000,
    taken: 3800,
    ...more,
  };
}

/**
 * @param {Partial<Standing>} more
 * @returns {Standing}
 */
export function told(more) {
  return { concertId: 'winter', concertTitle: '겨울 콘서트', status: 'NOT_IN_QUEUE', canEnter: false, ...more };
}

const called = () => told({ status: 'READY', canEnter: true, entryNumber: 2284, expiresAt: inSeconds(298) });
const entered = () => told({ status: 'ENTERED', canEnter: true, entryNumber: 2284, expiresAt: inSeconds(571) });
const notice = '결제는 1인 4매까지 가능해요. 오후 2시 10분에 자리가 추가로 열려요.';
const begins = () => ({ bookingStartAt: inSeconds(754), state: /** @type {const} */ ('before'), taken: 0 });

/** @type {Record<string, () => { line: Line, standing: Standing }>} */
export const STATES = {
  join: () => ({ line: line({ stock }), standing: told({}) }),
  'join-before': () => ({ line: line({ ...begins(), stock }), standing: told({}) }),
  'join-sold-out': () => ({ line: line({ stock: none, soldOut: true }), standing: told({}) }),
  before: () => ({
    line: line(begins()),
    standing: waiting({ taken: 0, queueNumber: 38, estimatedEnterAt: inSeconds(770) }),
  }),
  waiting: () => ({ line: line({ stock, notice }), standing: waiting() }),
  'waiting-plain': () => ({ line: line(), standing: waiting() }),
  'waiting-far': () => ({
    line: line({ totalWaitingCount: 284_031, pace: { one: 1200, five: 6000, fifteen: 18_000 } }),
    standing: waiting({ queueNumber: 128_456, totalWaitingCount: 284_031, longWait: true, estimatedEnterAt: inSeconds(9000) }),
  }),
  'waiting-million': () => ({
    line: line({ totalWaitingCount: 2_840_310 }),
    standing: waiting({ queueNumber: 1_284_560, totalWaitingCount: 2_840_310, estimatedEnterAt: inSeconds(30_000) }),
  }),
  'waiting-next': () => ({
    line: line({ totalWaitingCount: 402 }),
    standing: waiting({ queueNumber: 3, totalWaitingCount: 402, estimatedEnterAt: inSeconds(4) }),
  }),
  'waiting-full': () => ({
    line: line({ pace: { one: 0, five: 10, fifteen: 80 } }),
    standing: waiting({ estimateReason: 'slotsFull', queueNumber: 87, estimatedEnterAt: inSeconds(72) }),
  }),
  'waiting-hand': () => ({
    line: line({ autoOpen: false, pace: { one: 0, five: 0, fifteen: 0 } }),
    standing: waiting({ queueNumber: 512, estimatedEnterAt: undefined, estimatedWaitSeconds: undefined }),
  }),
  paused: () => ({
    line: line({ state: 'paused', notice: '무대 점검으로 입장을 잠시 멈췄어요. 10분 안에 다시 열게요.', stock }),
    standing: waiting({ estimateReason: 'paused', estimatedEnterAt: undefined }),
  }),
  'sold-out': () => ({ line: line({ stock: none, soldOut: true }), standing: waiting({ soldOut: true }) }),
  called: () => ({ line: line({ stock }), standing: called() }),
  entered: () => ({ line: line({ stock }), standing: entered() }),
  over: () => ({ line: line({ state: 'closed' }), standing: told({ status: 'BOOKING_CLOSED' }) }),
};
