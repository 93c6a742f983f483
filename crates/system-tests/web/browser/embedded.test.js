// @ts-check
// The pages of the whole system in one process, in a real browser.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { journey, showsPlace } from './journey.js';
import { browser, demo, embedded, person, until } from './stage.js';

/** @type {import('playwright-core').Browser} */
let opened;
/** @type {import('./stage.js').Site} */
let site;

before(async () => {
  [opened, site] = await Promise.all([browser(), embedded()]);
});

after(async () => {
  await opened?.close();
  await site?.stop();
});

test('three fans and an operator, on embedded backends', (t) => journey(opened, site, t));

test('a guest without JavaScript gets from the link to the shop through the line', async () => {
  const id = 'plain';
  await site.sell(
    { concertId: id, title: 'Plain', mode: 'queue', identity: 'guest', autoOpen: false },
    { perMemberLimit: 2, tickets: [{ ticketId: 'day', name: 'Day', price: 1_000, quantity: 10 }] },
  );
  const page = await person(opened, site, { javaScript: false });
  const wanted = `${site.url}/concerts/${id}?from=mail`;
  await page.goto(wanted);
  await page.getByRole('button', { name: 'Take a number' }).click();
  await showsPlace(page, 1);
  await site.operator('POST', `/v2/reservation/open/${id}?batchSize=1`);
  // The page asks again by itself; a reload is the same, sooner.
  await until('it is their turn', async () => {
    await page.reload();
    return page.getByRole('button', { name: 'Go in and book' }).isVisible();
  });
  await page.getByRole('button', { name: 'Go in and book' }).click();
  await page.waitForURL(wanted);
  assert.match(await page.title(), /Plain/);
  await page.context().close();
});

test('the waiting page, scripts included, weighs at most 40 kB', async () => {
  await site.sell({ concertId: 'light', title: 'Light', mode: 'queue', autoOpen: false });
  const page = await person(opened, site, { id: 'light' });
  const network = await page.context().newCDPSession(page);
  await network.send('Network.enable');
  const paths = new Map();
  const weights = new Map();
  network.on('Network.responseReceived', ({ requestId, response }) => paths.set(requestId, new URL(response.url).pathname));
  network.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
    const path = paths.get(requestId) ?? '';
    // A debug build's files are not kept by a browser, which loads them again after the form. What is asked of
    // the API comes again and again.
    if (path.startsWith('/waiting-room/')) weights.set(path, Math.max(encodedDataLength, weights.get(path) ?? 0));
  });
  await page.goto(`${site.url}/waiting-room/light`);
  await page.getByRole('button', { name: 'Take a number' }).click();
  await showsPlace(page, 1);
  assert.ok(weights.size > 4, `${[...weights.keys()]}`);
  const bytes = [...weights.values()].reduce((sum, weight) => sum + weight, 0);
  assert.ok(bytes <= 40_000, `${bytes} bytes: ${[...weights]}`);
  await page.context().close();
});

test('in the demo a newcomer has a seat within a minute', async () => {
  const sale = await demo();
  try {
    const context = await opened.newContext({ locale: 'en-US', viewport: { width: 390, height: 844 } });
    context.setDefaultTimeout(60_000);
    const page = await context.newPage();
    const since = performance.now();
    await page.goto(sale.url);
    await page.getByLabel('Name').fill('Kim');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.locator('a[href="/concerts/demo"]').click();
    await page.getByRole('button', { name: 'Take a number' }).click();
    await page.waitForURL('**/concerts/demo*');
    await page.getByRole('gridcell', { name: /, free$/ }).first().click();
    await page.getByRole('button', { name: 'Pay' }).click();
    await page.getByRole('dialog').getByRole('button', { name: /^Pay ₩/ }).click();
    await page.getByRole('heading', { name: 'You’re booked' }).waitFor();
    const seconds = (performance.now() - since) / 1_000;
    assert.ok(seconds < 60, `it took ${seconds} s`);
    await context.close();
  } finally {
    await sale.stop();
  }
});
