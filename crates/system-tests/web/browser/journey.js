// @ts-check
// A sale as three fans and an operator see it, each with a browser of their own.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { person, until } from './stage.js';

/** @typedef {import('playwright-core').Page} Page */

/** Seats: one row of four, of which nobody may have more than two. */
const STOCK = { perMemberLimit: 2, sections: [{ section: 'A', price: 50_000, rows: 1, seatsPerRow: 4 }] };

/**
 * Walks three fans from a link to the end of the sale.
 * @param {import('playwright-core').Browser} opened
 * @param {import('./stage.js').Site} site
 * @param {import('node:test').TestContext} t
 */
export async function journey(opened, site, t) {
  const id = `journey-${randomUUID().slice(0, 8)}`;
  const title = `Journey ${id}`;
  await site.sell({ concertId: id, title, mode: 'queue', autoOpen: false, holdDurationMinutes: 1 }, STOCK);
  const [alice, bob, carol] = await Promise.all(
    ['alice', 'bob', 'carol'].map((name) => person(opened, site, { id: `${name}-${id}`, name })),
  );
  const operator = await person(opened, site, { width: 1280 });
  const wanted = `${site.url}/concerts/${id}?from=mail&seat=A%2D1`;

  await t.test('a link leads to the line, and a number stays what it was', async () => {
    for (const [place, fan] of [alice, bob, carol].entries()) {
      await fan.goto(wanted);
      assert.match(fan.url(), new RegExp(`/waiting-room/${id}\\?target=`));
      await fan.getByRole('button', { name: 'Take a number' }).click();
      await showsPlace(fan, place + 1);
    }
    await bob.reload();
    await showsPlace(bob, 2);
    const tab = await bob.context().newPage();
    await tab.goto(`${site.url}/waiting-room/${id}`);
    await showsPlace(tab, 2);
    await tab.close();
    await bob.context().setOffline(true);
    await sleep(10_000);
    await bob.context().setOffline(false);
    await until('back online', () => bob.locator('#trouble').isHidden());
    await showsPlace(bob, 2);
  });

  await t.test('the operator lets people in, and each lands where they wanted to go', async () => {
    await operator.goto(`${site.operators}/admin`);
    await operator.getByLabel('Token').fill(site.adminToken);
    await operator.getByRole('button', { name: 'Sign in' }).click();
    await operator.getByRole('link', { name: title }).first().click();
    for (const fan of [alice, bob]) {
      await operator.getByLabel('Let in').fill('1');
      await operator.getByRole('button', { name: 'Let 1 in now' }).click();
      await operator.getByRole('dialog').getByRole('button', { name: 'Let 1 in' }).click();
      await fan.waitForURL(wanted);
    }
    await showsPlace(carol, 1);
  });

  await t.test('a seat that one chooses is taken on the other map within a second', async () => {
    await inTime(1_000, async (turn) => {
      const seat = turn % 2;
      await cell(alice, seat).click();
      await state(alice, seat, /yours/);
      return () => state(bob, seat, /someone is choosing/);
    });
  });

  await t.test('a hold ends by itself, for both', async () => {
    for (const fan of [alice, bob]) {
      await until('all are free', async () => (await free(fan).count()) === 4, 90_000);
    }
  });

  await t.test('who loses a race is offered the nearest seat, and holds it', async () => {
    // Bob's request waits until alice has what he asks for.
    await bob.route('**/v2/seats/lock*', async (route) => {
      const first = await alice.evaluate(async ([path, body]) => {
        const headers = { 'Content-Type': 'application/json' };
        return (await fetch(path, { method: 'POST', headers, body })).status;
      }, [`/v2/seats/lock?concertId=${id}`, route.request().postData() ?? '']);
      await route.continue();
      if (first !== 200) throw new Error(`alice got ${first}`);
    }, { times: 1 });
    await cell(bob, 1).click();
    const lost = bob.getByRole('dialog', { name: 'Someone was a moment faster' });
    await lost.getByRole('button', { name: 'Hold the nearest' }).click();
    await until('bob holds another', async () => (await mine(bob).count()) === 1);
    assert.match((await cell(bob, 1).getAttribute('aria-label')) ?? '', /choosing/);
  });

  await t.test('two pay, everything is sold, and the one in line is told', async () => {
    await alice.reload();
    for (const fan of [alice, bob]) {
      await until('the seats are there', async () => (await mine(fan).count()) >= 1);
      await free(fan).first().click();
      await until('two are held', async () => (await mine(fan).count()) === 2);
      await fan.getByRole('button', { name: /^(Pay|Continue to payment)$/ }).click();
      await fan.getByRole('dialog').getByRole('button', { name: /^Pay ₩/ }).click();
      await fan.getByRole('heading', { name: 'You’re booked' }).waitFor();
    }
    await carol.getByRole('heading', { name: 'Sold out for now' }).waitFor({ timeout: 5_000 });
    await showsPlace(carol, 1);
    await alice.goto(`${site.url}/bookings`);
    await alice.getByText(title).first().waitFor();
  });

  await t.test('what the operator writes is on every page within two seconds', async () => {
    await inTime(2_000, async (turn) => {
      const notice = `Doors open again soon (${turn})`;
      await site.change(id, { notice });
      return () => carol.getByText(notice).waitFor();
    });
  });

  await Promise.all([alice, bob, carol, operator].map((page) => page.context().close()));
}

/**
 * @param {Page} page
 * @param {number} place
 */
export async function showsPlace(page, place) {
  await page.getByRole('heading', { level: 1 }).waitFor();
  const shown = () => page.locator('#number').innerText();
  await until(`place ${place}`, async () => Number.parseInt((await shown()).replace(/\D/g, ''), 10) === place);
}

/** @param {Page} page @param {number} seat from 0 */
const cell = (page, seat) => page.getByRole('gridcell').nth(seat);
/** @param {Page} page */
const free = (page) => page.getByRole('gridcell', { name: /, free$/ });
/** @param {Page} page */
const mine = (page) => page.getByRole('gridcell', { name: /, yours$/ });

/**
 * @param {Page} page
 * @param {number} seat
 * @param {RegExp} expected
 */
async function state(page, seat, expected) {
  await until(`seat ${seat} is ${expected}`, async () =>
    expected.test((await cell(page, seat).getAttribute('aria-label')) ?? ''),
  );
}

/**
 * Checks that something is seen in time. A machine that was busy meanwhile gets two more chances.
 * @param {number} limit in ms
 * @param {(turn: number) => Promise<() => Promise<unknown>>} act returns what must be seen then
 */
async function inTime(limit, act) {
  const took = [];
  for (let turn = 0; turn < 3; turn += 1) {
    const seen = await act(turn);
    const since = performance.now();
    await seen();
    took.push(Math.round(performance.now() - since));
    if (took[turn] <= limit) return;
  }
  assert.fail(`not within ${limit} ms: ${took} ms`);
}

