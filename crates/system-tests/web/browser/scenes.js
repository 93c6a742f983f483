// @ts-check
// Every page in every state that it can have: for pictures, and for checks of each.

import { setTimeout as sleep } from 'node:timers/promises';
import { until } from './stage.js';

/** @typedef {import('playwright-core').Page} Page */
/** @typedef {import('./stage.js').Site} Site */

/**
 * @typedef {object} Scene
 * @property {string} name
 * @property {string} [id] the member who looks; nobody if left out
 * @property {boolean} [operator] whether an operator looks
 * @property {(page: Page, site: Site) => Promise<unknown>} open
 */

const HALL = {
  perMemberLimit: 4,
  sections: [
    { section: 'R', price: 150_000, rows: 8, seatsPerRow: 16 },
    { section: 'S', price: 110_000, rows: 8, seatsPerRow: 16 },
  ],
  tickets: [{ ticketId: 'standing', name: '스탠딩 Standing', price: 99_000, quantity: 300 }],
};
const LONG = { readyTtlSeconds: 3600, sessionMinutes: 120, waitingTtlSeconds: 3600, holdDurationMinutes: 120 };
const HOUR = 3_600_000;
const iso = (/** @type {number} */ ms) => new Date(Date.now() + ms).toISOString();

/**
 * Puts every concert on sale that the scenes need, and brings their members there.
 * @param {Site} site
 */
export async function prepare(site) {
  const title = '겨울 콘서트 Winter Concert';
  /** @type {Record<string, Record<string, unknown>>} */
  const concerts = {
    join: {},
    early: { bookingStartAt: iso(30 * HOUR), joinStartHours: 4 },
    before: { bookingStartAt: iso(2 * HOUR), joinStartHours: 4 },
    full: { maxQueueSize: 1, autoOpen: false },
    waiting: { autoOpen: true, groupSize: 200, entryIntervalSeconds: 1800, notice: '1인 4매 · Four tickets each' },
    long: { groupSize: 1, entryIntervalSeconds: 3600, maxWaitTimeMinutes: 1 },
    paused: { autoOpen: false, notice: '무대 점검 중 · We are checking the stage' },
    'sold-out': { autoOpen: false },
    called: { autoOpen: false },
    inside: { autoOpen: false },
    tickets: { mode: 'off' },
    empty: { mode: 'off' },
    over: {},
  };
  for (const [id, fields] of Object.entries(concerts)) {
    const stock = {
      tickets: { perMemberLimit: 4, tickets: HALL.tickets },
      'sold-out': { perMemberLimit: 4, tickets: [{ ticketId: 'day', name: '1일권 Day', price: 50_000, quantity: 1 }] },
    }[id] ?? HALL;
    await site.sell({ concertId: id, title, mode: 'queue', ...LONG, ...fields }, id === 'empty' ? undefined : stock);
  }
  const enter = async (/** @type {string} */ member, /** @type {string} */ id) => {
    const { status } = await site.member(member, 'POST', '/v2/waiting-room/enter', { concertId: id });
    if (status !== 201) throw new Error(`${member} could not enter ${id}: ${status}`);
  };
  await enter('someone', 'full');
  await enter('me', 'before');
  await enter('buyer', 'sold-out');
  await site.operator('POST', '/v2/reservation/open/sold-out?batchSize=1');
  await claim(site, 'buyer', 'sold-out');
  await buy(site, 'buyer', 'sold-out', { ticketId: 'day', quantity: 1 });
  // The first take comes at once; the next one after the interval.
  await enter('first', 'waiting');
  await claim(site, 'first', 'waiting');
  for (const [id, many] of Object.entries({ waiting: 127, long: 12, paused: 34, 'sold-out': 12 })) {
    for (let n = 0; n < many; n += 1) await enter(`before-${n}`, id);
    await enter('me', id);
    for (let n = 0; n < many / 3; n += 1) await enter(`after-${n}`, id);
  }
  await site.operator('POST', '/v2/admin/concerts/paused/pause');
  await enter('me', 'called');
  await site.operator('POST', '/v2/reservation/open/called?batchSize=1');
  for (const member of ['me', 'you', 'late']) await enter(member, 'inside');
  await site.operator('POST', '/v2/reservation/open/inside?batchSize=3');
  for (const member of ['me', 'you', 'late']) await claim(site, member, 'inside');
  const seats = await inside(site, 'you', 'inside', 'GET', '/v2/concerts/inside/seats');
  const rows = seats.body.data.seats.map((/** @type {{seatId: string}} */ seat) => seat.seatId);
  await inside(site, 'you', 'inside', 'POST', '/v2/seats/lock', { seatIds: rows.slice(20, 23) });
  await buy(site, 'late', 'inside', { ticketId: 'standing', quantity: 2 });
  await site.operator('POST', '/v2/admin/concerts/over/close');
}

/** @type {Map<string, string>} */
const tokens = new Map();

/** @param {Site} site @param {string} member @param {string} id */
async function claim(site, member, id) {
  const token = await until(`${member} is called`, async () => {
    const { status, body } = await site.member(member, 'GET', `/v2/reservation/token/${id}`);
    return status === 200 && body.data.token;
  });
  tokens.set(`${member}/${id}`, token);
}

/**
 * @param {Site} site @param {string} member @param {string} id
 * @param {string} method @param {string} path @param {unknown} [body]
 */
function inside(site, member, id, method, path, body) {
  return site.member(member, method, path, body, { 'X-Queue-Token': tokens.get(`${member}/${id}`) ?? '' });
}

/** @param {Site} site @param {string} member @param {string} id @param {{ticketId: string, quantity: number}} tickets */
async function buy(site, member, id, tickets) {
  const booked = await inside(site, member, id, 'POST', '/v2/bookings', { tickets: [tickets] });
  const path = `/v2/bookings/${booked.body.data.bookingId}/confirm`;
  const { status } = await inside(site, member, id, 'POST', path, { paymentToken: 'card' });
  if (status !== 200) throw new Error(`${member} could not buy: ${status}`);
}

/** @param {string} id @param {string} [state] */
const waiting = (id, state) => async (/** @type {Page} */ page, /** @type {Site} */ site) => {
  await page.goto(`${site.url}/waiting-room/${id}`);
  await page.locator(state ? `#desk[data-state="${state}"]` : 'h1').waitFor();
};

/** Opens the shop as somebody who was let in. @param {Page} page @param {Site} site */
async function shop(page, site) {
  const member = 'me';
  const value = tokens.get(`${member}/inside`) ?? '';
  await page.context().addCookies([{ name: 'queue-token-inside', value, url: site.url }]);
  await page.goto(`${site.url}/concerts/inside`);
  await page.getByRole('gridcell').first().waitFor();
}

/** Holds a seat, unless an earlier scene left one. @param {Page} page */
async function choose(page) {
  if ((await page.locator('[role=gridcell][aria-selected=true]').count()) > 0) return;
  await page.locator('[role=gridcell][aria-disabled=false]').first().click();
}

/** @param {string} path @param {string} [visible] */
const shown = (path, visible) => async (/** @type {Page} */ page, /** @type {Site} */ site) => {
  await page.goto(site.url + path);
  await page.locator(visible ?? 'h1').first().waitFor();
};

/** @type {Scene[]} */
export const SCENES = [
  { name: 'waiting-sign-in', open: waiting('join', 'sign-in') },
  ...['join', 'early', 'before', 'full', 'waiting', 'long', 'paused', 'sold-out', 'called', 'over'].map((id) => ({
    name: `waiting-${id}`,
    id: 'me',
    open: waiting(id, id === 'long' ? 'waiting' : id),
  })),
  { name: 'waiting-entered', id: 'me', open: waiting('inside', 'entered') },
  {
    name: 'waiting-leaving',
    id: 'me',
    open: async (page, site) => {
      await waiting('waiting')(page, site);
      await page.locator('#leave').click();
      await page.getByRole('dialog').waitFor();
    },
  },
  {
    name: 'waiting-offline',
    id: 'me',
    open: async (page, site) => {
      await waiting('waiting')(page, site);
      await page.context().setOffline(true);
      await page.locator('#trouble').waitFor();
    },
  },
  { name: 'waiting-unknown', id: 'me', open: shown('/waiting-room/nowhere') },
  { name: 'shop-list', id: 'me', open: shown('/') },
  { name: 'shop-concert', id: 'me', open: shop },
  {
    name: 'shop-basket',
    id: 'me',
    open: async (page, site) => {
      await shop(page, site);
      await choose(page);
      await page.locator('#pay:enabled').waitFor();
    },
  },
  {
    name: 'shop-checkout',
    id: 'me',
    open: async (page, site) => {
      await shop(page, site);
      await choose(page);
      await page.locator('#pay:enabled').click();
      await page.getByRole('dialog').waitFor();
    },
  },
  {
    name: 'shop-lost-race',
    id: 'me',
    open: async (page, site) => {
      await shop(page, site);
      await page.route('**/v2/seats/lock*', (route) =>
        route.fulfill({
          status: 409,
          contentType: 'application/json',
          body: JSON.stringify({
            code: 'SEAT_TAKEN', message: '', status: 409,
            data: { seatIds: route.request().postDataJSON().seatIds },
          }),
        }),
      );
      await page.locator('[role=gridcell][aria-disabled=false][aria-selected=false]').nth(3).click();
      await page.locator('#lost[open]').waitFor();
    },
  },
  { name: 'shop-tickets', id: 'me', open: shown('/concerts/tickets', '#counted:not([hidden])') },
  { name: 'shop-nothing', id: 'me', open: shown('/concerts/empty', '#state:not([hidden])') },
  { name: 'shop-unknown', id: 'me', open: shown('/concerts/nowhere') },
  { name: 'bookings', id: 'late', open: shown('/bookings') },
  { name: 'bookings-none', id: 'nobody-yet', open: shown('/bookings') },
  { name: 'bookings-sign-in', open: shown('/bookings') },
  { name: 'console-sign-in', open: (page, site) => page.goto(`${site.operators}/admin`) },
  { name: 'console', operator: true, open: (page, site) => console_(page, site, '') },
  { name: 'console-line', operator: true, open: (page, site) => console_(page, site, '#/lines/waiting') },
  { name: 'console-policy', operator: true, open: (page, site) => console_(page, site, '#/lines/waiting/policy') },
  { name: 'console-members', operator: true, open: (page, site) => console_(page, site, '#/lines/waiting/members') },
  { name: 'console-record', operator: true, open: (page, site) => console_(page, site, '#/record') },
  { name: 'console-letters', operator: true, open: (page, site) => letters(page, site) },
  {
    name: 'console-troubles',
    operator: true,
    open: async (page, site) => {
      await health(page, { broker: 'down', deadLetters: 3, blindGates: { open: 1, closed: 2 } });
      await console_(page, site, '#/lines/waiting');
      await page.locator('#troubles li').nth(3).waitFor();
    },
  },
  {
    name: 'console-letters-removing',
    operator: true,
    open: async (page, site) => {
      await letters(page, site);
      await page.locator('#letters-remove').click();
      await page.getByRole('dialog').waitFor();
    },
  },
  {
    name: 'console-closing',
    operator: true,
    open: async (page, site) => {
      await console_(page, site, '#/lines/waiting');
      await page.locator('[data-act=close]').click();
      await page.getByRole('dialog').waitFor();
    },
  },
];

/** @param {Page} page @param {Site} site @param {string} hash */
async function console_(page, site, hash) {
  // Their crowds are not silent.
  for (const id of ['waiting', 'paused']) await site.member('me', 'GET', `/v2/waiting-room/status/${id}`);
  await page.goto(`${site.operators}/admin${hash}`);
  // On a phone, what is chosen takes the list's place.
  await page.locator('#lines tr').first().waitFor({ state: 'attached' });
  await sleep(500);
}

/** @param {Page} page @param {object} parts  What the control plane says that is not well. */
function health(page, parts) {
  return page.route('**/admin/health', (route) => route.fulfill({ json: { broker: 'up', database: 'up', ...parts } }));
}

/** Shows dead letters that no console on embedded backends can have. @param {Page} page @param {Site} site */
async function letters(page, site) {
  const enter = (/** @type {string} */ memberId, /** @type {number} */ entryNumber) => ({
    memberId, concertId: 'waiting', memberName: '김순번', concertTitle: '겨울 콘서트 Winter Concert',
    timestamp: '2026-12-24T11:00:00', messageType: 'ENTER', entryNumber,
  });
  const letter = (/** @type {string} */ body, /** @type {string} */ reason, more = {}) => ({
    ...more, reason, diedAt: '2026-12-24T11:00:07.000Z', bodyBytes: new TextEncoder().encode(body).length, body,
  });
  const of = (/** @type {ReturnType<typeof enter>} */ it, /** @type {string} */ reason) => letter(JSON.stringify(it), reason,
    { concertId: it.concertId, memberId: it.memberId, entryNumber: it.entryNumber });
  const deadLetters = [
    of(enter('member-1204', 1_798_110_000_123_456), 'rejected'),
    letter('{"messageType":"HELLO","from":"somebody else"}', 'rejected'),
    of(enter('guest:3nq0Xb8vLwZkT5mYc2Rj9A', 1_798_110_000_223_456), 'delivery_limit'),
    { reason: 'rejected', diedAt: '2026-12-24T11:00:09.000Z', bodyBytes: 4_096 },
  ];
  await page.route('**/v2/admin/dead-letters*', (route) => route.fulfill({ json: {
    message: '', status: 200, data: { total: deadLetters.length, deadLetters },
  } }));
  await health(page, { deadLetters: deadLetters.length });
  await console_(page, site, '#/letters');
  await page.locator('#letters summary').first().click();
}
