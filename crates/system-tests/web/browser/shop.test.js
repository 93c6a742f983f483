// @ts-check
// The shop in a browser: what the journey through a whole sale does not come by.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { browser, embedded, person, until } from './stage.js';

/** @typedef {import('playwright-core').Page} Page */

/** @type {import('./stage.js').Site} */
let site;
/** @type {import('playwright-core').Browser} */
let opened;

before(async () => {
  [site, opened] = await Promise.all([embedded(), browser()]);
  const hall = { perMemberLimit: 4, sections: [
    { section: 'R', price: 150_000, rows: 6, seatsPerRow: 8 },
    { section: 'S', price: 110_000, rows: 6, seatsPerRow: 8 },
  ], tickets: [{ ticketId: 'standing', name: 'Standing', price: 99_000, quantity: 3 }] };
  for (const concertId of ['hall', 'cards', 'line', 'phone']) {
    await site.sell({ concertId, title: 'Winter concert', mode: concertId === 'line' ? 'queue' : 'off' }, hall);
  }
  await site.sell({ concertId: 'arena', title: 'Arena', mode: 'off' }, { perMemberLimit: 4, sections: [
    { section: 'A', price: 30_000, rows: 100, seatsPerRow: 200 },
  ] });
});

after(async () => {
  await opened?.close();
  await site?.stop();
});

/** Opens a concert without a line. @param {string} id @param {string} member @param {Record<string, any>} [who] */
async function inside(id, member, who = {}) {
  const page = await person(opened, site, { id: member, lang: 'en', ...who });
  await page.goto(`${site.url}/concerts/${id}`);
  await page.locator('#choose').waitFor();
  return page;
}

/** @param {Page} page */
const focused = (page) => page.evaluate(() => document.activeElement?.getAttribute('data-seat'));

/** Checks out with one of the play cards. @param {Page} page @param {string} card */
async function pay(page, card) {
  if (!(await page.locator('#checkout').isVisible())) await page.locator('#pay:enabled').click();
  await page.locator(`#methods input[value="${card}"]`).check();
  await page.locator('#checkout-pay:enabled').click();
}

test('the map is chosen from with the keyboard', async () => {
  const page = await inside('hall', 'keys');
  await page.locator('#sections input:checked').focus();
  await page.keyboard.press('ArrowRight');
  await page.getByRole('grid', { name: 'Seats of section S' }).waitFor();
  await page.keyboard.press('Tab');
  assert.equal(await focused(page), 'hall.S.1.4', 'one Tab leads into the map');
  for (const key of ['ArrowDown', 'ArrowRight', 'Space']) await page.keyboard.press(key);
  await page.getByRole('gridcell', { name: 'Section S, row 2, seat 5, ₩110,000, yours' }).waitFor();
  assert.equal(await focused(page), 'hall.S.2.5');
  assert.match(await page.locator('#said').innerText(), /row\s2, seat\s5 is held for you/);
  await page.keyboard.press('Space');
  await page.getByRole('gridcell', { name: /row 2, seat 5, .*free/ }).waitFor();
  await page.keyboard.press('Control+End');
  assert.equal(await focused(page), 'hall.S.6.8');
  await page.context().close();
});

test('no more are chosen than one may have, and a basket survives a reload', async () => {
  const page = await inside('hall', 'greedy');
  const free = page.locator('.cell.free');
  for (let seat = 0; seat < 3; seat += 1) {
    await free.nth(seat).click();
    await until('it is held', async () => (await page.locator('.cell.mine').count()) === seat + 1);
  }
  await page.getByRole('button', { name: 'One Standing more' }).click();
  await free.first().click();
  await page.getByText('Each person can book 4').waitFor();
  assert.equal(await page.locator('#sum').innerText(), '₩549,000');
  await page.reload();
  await until('they are there again', async () => (await page.locator('#items li').count()) === 3);
  await page.getByRole('button', { name: /^Put back Section R/ }).first().click();
  await until('one is back', async () => (await page.locator('#items li').count()) === 2);
  await page.context().close();
});

test('a declined card can be replaced, and the receipt has the booking’s number', async () => {
  const page = await inside('cards', 'declined');
  await page.locator('.cell.free').first().click();
  await pay(page, 'decline');
  await page.getByText('The card was declined. Nothing was charged.').waitFor();
  await page.locator('#checkout-back').click();
  await page.reload();
  await page.getByRole('button', { name: 'Continue to payment' }).click();
  await pay(page, 'card');
  await page.getByRole('heading', { level: 1, name: 'You’re booked' }).waitFor();
  const number = (await page.locator('.booking-number').textContent()) ?? '';
  const booked = await page.getByText(/^Booked /).innerText();
  await page.getByRole('link', { name: 'My bookings' }).last().click();
  await page.getByText(number, { exact: true }).waitFor();
  await page.getByText(booked, { exact: true }).waitFor();
  assert.equal(new URL(page.url()).hash, `#${number}`);
  await page.getByRole('button', { name: 'Cancel booking' }).click();
  await page.getByRole('button', { name: 'Cancel it' }).click();
  await page.getByText('Cancelled', { exact: true }).waitFor();
  await page.context().close();
});

test('a booking number is copied, and selected where it cannot be', async () => {
  const page = await inside('cards', 'copied');
  await page.getByRole('button', { name: 'One Standing more' }).click();
  await pay(page, 'card');
  const number = ((await page.locator('.booking-number').textContent()) ?? '').toUpperCase();
  const selected = () => page.evaluate(() => getSelection()?.toString());
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.getByRole('button', { name: 'Copy number' }).click();
  await page.getByRole('button', { name: 'Copied' }).waitFor();
  assert.equal(await page.locator('#said').innerText(), 'Copied');
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), number);
  await page.goto(`${site.url}/bookings`);
  await page.evaluate(() => {
    Object.defineProperty(navigator, 'clipboard', { value: undefined });
    document.execCommand = () => false;
  });
  await page.getByRole('button', { name: 'Copy number' }).click();
  await page.getByRole('button', { name: 'Selected. Please copy it' }).waitFor();
  assert.equal(await selected(), number);
  await page.getByRole('button', { name: 'Copy number' }).waitFor();
  await page.context().close();
});

test('a payment whose outcome nobody knows is asked about until it is known, and charged once', async () => {
  const page = await inside('cards', 'doubtful');
  await page.getByRole('button', { name: 'One Standing more' }).click();
  let attempts = 0;
  await page.route('**/confirm?*', async (route) => {
    attempts += 1;
    if (attempts > 1) return route.continue();
    // It arrives, and its answer is lost.
    await route.fetch();
    return route.abort();
  });
  await pay(page, 'card');
  await page.getByRole('heading', { level: 1, name: 'You’re booked' }).waitFor();
  assert.equal(attempts, 1, 'asking shows that it was paid');
  const { body } = await site.member('doubtful', 'GET', '/v2/bookings');
  assert.deepEqual(body.data.bookings.map((/** @type {any} */ booking) => booking.state), ['CONFIRMED']);
  await page.context().close();
});

/** Lets a member in from a line. @param {string} member @param {string} id @returns {Promise<string>} the booking token */
async function letIn(member, id) {
  await site.member(member, 'POST', '/v2/waiting-room/enter', { concertId: id });
  await site.operator('POST', `/v2/reservation/open/${id}?batchSize=1`);
  return until('the turn', async () => {
    const { status, body } = await site.member(member, 'GET', `/v2/reservation/token/${id}`);
    return status === 200 && body.data.token;
  });
}

test('when the session ends, the page says so and leads back to the line', async () => {
  const token = await letIn('late', 'line');
  const page = await person(opened, site, { id: 'late', lang: 'en' });
  await page.context().addCookies([{ name: 'queue-token-line', value: token, url: site.url }]);
  await page.goto(`${site.url}/concerts/line?from=mail`);
  await page.locator('.cell.free').first().waitFor();
  assert.match(await page.locator('#session').innerText(), /Left to book/);
  await site.member('late', 'POST', '/v2/waiting-room/exit/line');
  await page.getByRole('heading', { level: 1, name: 'Your time to book ran out' }).waitFor();
  const back = await page.getByRole('link', { name: 'Line up again' }).getAttribute('href');
  const target = new URL(back ?? '', site.url).searchParams.get('target');
  assert.equal(target, `${site.url}/concerts/line?from=mail`);
  await page.context().close();
});

test('two windows and another device of one fan show the same seats, and the same end', async () => {
  const value = await letIn('twice', 'line');
  const cookie = { name: 'queue-token-line', value, url: site.url };
  const [page, device] = await Promise.all([{}, { width: 1280 }].map((who) => person(opened, site, { id: 'twice', lang: 'en', ...who })));
  const other = await page.context().newPage();
  for (const one of [page, device]) await one.context().addCookies([cookie]);
  for (const one of [page, other, device]) {
    await one.goto(`${site.url}/concerts/line`);
    await one.getByText('Changes show up right away').waitFor();
  }
  const cell = (/** @type {Page} */ one, /** @type {number} */ seat) => one.getByRole('gridcell', { name: new RegExp(`row 1, seat ${seat},`) });
  const is = (/** @type {Page} */ one, /** @type {number} */ seat, /** @type {RegExp} */ state) => until(`seat ${seat} is ${state}`,
    async () => state.test((await cell(one, seat).getAttribute('aria-label')) ?? ''));
  const chosen = (/** @type {Page} */ one) => one.locator('#items li').count();
  let since = performance.now();
  for (const seat of [3, 4]) {
    await cell(page, seat).click();
    await is(page, seat, /yours$/);
  }
  for (const seat of [3, 4]) await is(other, seat, /yours$/);
  assert.ok(performance.now() - since < 10_000, 'windows of one browser tell each other');
  for (const one of [other, device]) {
    for (const seat of [3, 4]) await is(one, seat, /yours$/);
    assert.equal(await chosen(one), 2);
  }
  since = performance.now();
  await cell(device, 3).click();
  for (const one of [device, page, other]) {
    await is(one, 3, /free$/);
    assert.equal(await chosen(one), 1);
  }
  assert.ok(performance.now() - since < 10_000, 'sooner than the next reading');
  await pay(device, 'card');
  await device.getByRole('heading', { level: 1, name: 'You’re booked' }).waitFor();
  const number = await device.locator('.booking-number').textContent();
  for (const one of [page, other]) {
    await one.getByRole('heading', { level: 1, name: 'You’re booked' }).waitFor();
    assert.equal(await one.locator('.booking-number').textContent(), number);
  }
  for (const one of [page, device]) await one.context().close();
});

test('on a phone a refusal is in sight, and what came of a lost connection goes with it', async () => {
  const page = await inside('phone', 'thumb', { height: 844 });
  const told = page.locator('#told');
  const inSight = async () => {
    const box = await told.boundingBox();
    return box !== null && box.y >= 0 && box.y + box.height <= 844;
  };
  const free = page.locator('.cell.free');
  for (let seat = 1; seat <= 4; seat += 1) {
    await free.first().click();
    await until('it is held', async () => (await page.locator('.cell.mine').count()) === seat);
  }
  await free.first().click();
  await page.getByText('Each person can book 4').waitFor();
  assert.ok(await inSight(), 'the refusal');
  await page.locator('.cell.mine').last().click();
  await until('it is back', async () => (await page.locator('.cell.mine').count()) === 3);
  assert.ok(await told.isHidden());
  await page.context().setOffline(true);
  await free.first().click();
  await page.getByText('We couldn’t hold the seat.').waitFor();
  assert.ok(await inSight(), 'the failure');
  await page.context().setOffline(false);
  await until('it is no longer told', () => told.isHidden());
  await page.context().close();
});

test('without JavaScript the page speaks of the time to book only to who has one', async () => {
  const value = await letIn('plain', 'line');
  const page = await person(opened, site, { id: 'plain', lang: 'en', javaScript: false });
  await page.context().addCookies([{ name: 'queue-token-line', value, url: site.url }]);
  for (const [id, session] of /** @type {const} */ ([['hall', false], ['line', true]])) {
    await page.goto(`${site.url}/concerts/${id}`);
    const said = await page.locator('noscript .notice').innerText();
    assert.equal(said.includes('Your time to book goes on'), session, said);
  }
  await page.context().close();
});

test('on a phone the total is at the end of the screen, however short the page is', async () => {
  await site.sell({ concertId: 'short', title: 'Short', mode: 'off' }, {
    perMemberLimit: 4, tickets: [{ ticketId: 'day', name: 'Day', price: 50_000, quantity: 9 }],
  });
  for (const [id, height] of /** @type {const} */ ([['short', 844], ['short', 400], ['hall', 844]])) {
    const page = await inside(id, 'thumb', { width: 390, height });
    const end = await page.locator('#tally').evaluate((bar) => bar.getBoundingClientRect().bottom);
    assert.equal(Math.round(end), height, id);
    await page.context().close();
  }
  // Without it, nothing is spread over the screen.
  const page = await inside('short', 'thumb', { width: 390, height: 844 });
  await page.getByRole('button', { name: 'One Day more' }).click();
  await pay(page, 'card');
  await page.locator('#receipt').waitFor();
  const title = await page.locator('.title').boundingBox();
  assert.ok(title && title.height < 100, `${title?.height}`);
  await page.context().close();
});

test('of 20,000 seats only those in sight are in the page', async () => {
  const page = await inside('arena', 'far');
  const cells = page.getByRole('gridcell');
  await cells.first().waitFor();
  for (const [left, top] of [[0, 0], [4_000, 2_000], [99_999, 99_999]]) {
    await page.locator('#seats').evaluate((box, to) => box.scrollTo(to[0], to[1]), [left, top]);
    await page.waitForTimeout(100);
    const count = await cells.count();
    assert.ok(count > 20 && count < 700, `${count} at ${left}, ${top}`);
  }
  await page.getByRole('gridcell', { name: /row 100, seat 200,/ }).waitFor();
  await page.context().close();
});
