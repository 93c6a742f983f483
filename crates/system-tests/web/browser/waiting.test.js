// @ts-check
// The waiting page in a real browser.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { STATES } from '../unit/states.js';
import { browser, embedded, person, until } from './stage.js';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** @type {import('./stage.js').Site} */
let site;
/** @type {import('playwright-core').Browser} */
let opened;

before(async () => {
  [site, opened] = await Promise.all([embedded(), browser()]);
  const winter = { title: '겨울 콘서트', autoOpen: false, groupSize: 20, entryIntervalSeconds: 10 };
  await site.sell({ concertId: 'winter', identity: 'guest', ...winter });
  await site.sell({ concertId: 'members', ...winter });
  await site.sell({ concertId: 'fair', identity: 'guest', ...winter });
});

after(async () => {
  await opened?.close();
  await site?.stop();
});

/** @param {import('playwright-core').Page} page */
const state = (page) => page.locator('#desk').getAttribute('data-state');
/** @param {import('playwright-core').Page} page */
const number = (page) => page.locator('#number span').textContent();

test('a guest without a script goes through the line to where they wanted to go', async () => {
  const page = await person(opened, site, { javaScript: false, lang: 'ko' });
  await page.goto(`${site.url}/waiting-room/fair?target=%2Flive%3Frow%3D2`);
  await page.getByRole('button', { name: '번호표 뽑기' }).click();
  assert.equal(await state(page), 'waiting');
  await site.operator('POST', '/v2/reservation/open/fair?batchSize=1');
  await until('the turn', async () => {
    await page.reload();
    return (await state(page)) === 'called';
  });
  await page.getByRole('button', { name: '예매하러 가기' }).click();
  assert.equal(page.url(), `${site.url}/live?row=2`);
  await page.goto(`${site.url}/waiting-room/fair`);
  await page.getByRole('link', { name: '예매 그만두기' }).click();
  await page.getByRole('button', { name: '나가기' }).click();
  assert.equal(await state(page), 'join');
  await page.context().close();
});

test('a place is kept through a reload, a second tab and a lost connection, and leads to the shop', async () => {
  const page = await person(opened, site, { id: 'fan', lang: 'ko' });
  const target = `${site.url}/waiting-room/members?target=%2Flive%3Frow%3D2`;
  for (const id of ['a', 'b']) await site.member(id, 'POST', '/v2/waiting-room/enter', { concertId: 'members' });
  await page.goto(target);
  await page.getByRole('button', { name: '번호표 뽑기' }).click();
  await page.waitForFunction(() => document.querySelector('#number span')?.textContent === '3');
  await page.reload();
  assert.equal(await number(page), '3');
  const second = await page.context().newPage();
  await second.goto(target);
  assert.equal(await number(second), '3');
  await second.close();
  await page.context().setOffline(true);
  await page.locator('#trouble').waitFor();
  assert.equal(await number(page), '3');
  await page.context().setOffline(false);
  await page.locator('#trouble').waitFor({ state: 'hidden' });
  assert.equal(await number(page), '3');
  await site.operator('POST', '/v2/reservation/open/members?batchSize=3');
  // The page goes there by itself.
  await page.waitForURL(`${site.url}/live?row=2`);
  const cookies = await page.context().cookies();
  assert.ok(cookies.some(({ name }) => name === 'queue-token-members'));
  await page.context().close();
});

test('who does not want to be taken along stays, and leaving asks once', async () => {
  const page = await person(opened, site, { lang: 'en' });
  await page.goto(`${site.url}/waiting-room/fair`);
  await page.getByRole('button', { name: 'Take a number' }).click();
  await page.getByLabel('Go in as soon as').uncheck();
  await page.getByRole('link', { name: 'Leave the line' }).click();
  const dialog = page.getByRole('dialog', { name: 'Leave the line?' });
  await dialog.getByText('Keep waiting').click();
  await dialog.waitFor({ state: 'hidden' });
  assert.equal(await state(page), 'waiting');
  await site.operator('POST', '/v2/reservation/open/fair?batchSize=10');
  await page.locator('[data-state=called]').waitFor();
  assert.equal(await page.locator('#moved').isVisible(), false);
  await page.getByRole('link', { name: 'Leave the line' }).click();
  await page.getByRole('button', { name: 'Leave', exact: true }).click();
  await page.locator('[data-state=join]').waitFor();
  await page.getByText('You’ve left the line').waitFor();
  await page.context().close();
});

test('after three failures the page says that the place is kept, and goes on when it can', async () => {
  const page = await person(opened, site, { id: 'patient', lang: 'ko' });
  await site.member('patient', 'POST', '/v2/waiting-room/enter', { concertId: 'members' });
  let works = false;
  await page.route('**/socket.io/**', (route) => route.abort());
  await page.route('**/v2/**', (route) => (works ? route.continue() : route.fulfill({ status: 503, json: {} })));
  await page.goto(`${site.url}/waiting-room/members`);
  await page.locator('#trouble').getByText('대기열 상태를 확인할 수 없어요. 순서는 그대로').waitFor();
  works = true;
  await page.getByRole('button', { name: '지금 다시 확인' }).click();
  await page.locator('#trouble').waitFor({ state: 'hidden' });
  await page.context().close();
});

/**
 * Opens the page as the API would tell it a state.
 * @param {import('playwright-core').Page} page
 * @param {string} name
 * @param {string} lang
 */
async function shown(page, name, lang) {
  const told = STATES[name]?.();
  const answer = (/** @type {unknown} */ data) => ({ json: { message: '', status: 200, data } });
  await page.unrouteAll();
  await page.route('**/socket.io/**', (route) => route.abort());
  await page.route('**/v2/waiting-room/snapshot/**', (route) => route.fulfill(answer(told?.line)));
  await page.route('**/v2/waiting-room/status/**', (route) => route.fulfill(answer(told?.standing)));
  await page.route('**/reservation/**', (route) => route.fulfill({ status: 204 }));
  await page.goto(`${site.url}/waiting-room/winter?lang=${lang}`);
  await page.evaluate(() => window.dispatchEvent(new Event('online')));
  const wanted = /** @type {Record<string, string>} */ ({ 'join-before': 'join', 'join-sold-out': 'join' })[name];
  await page.locator(`[data-state="${wanted ?? name.replace(/^(waiting)-.*/, '$1')}"]`).waitFor();
}

test('every state is accessible, fits 320 px and has targets that a thumb can hit', async () => {
  /** @type {string[]} */
  const found = [];
  for (const [lang, theme] of /** @type {const} */ ([['ko', 'light'], ['en', 'dark'], ['en', 'light'], ['ko', 'dark']])) {
    const page = await person(opened, site, { id: 'looker', lang, theme, width: 320 });
    for (const name of Object.keys(STATES)) {
      await shown(page, name, lang);
      await page.evaluate(AXE);
      const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
      const { violations } = await page.evaluate(
        (tags) => /** @type {any} */ (window).axe.run({ runOnly: tags }),
        tags,
      );
      for (const { id, nodes } of violations) found.push(`${name} ${lang} ${theme}: ${id} ${nodes[0].html}`);
      const layout = await page.evaluate(() => {
        const small = [...document.querySelectorAll('button, a, label.wish, input:not([type=hidden], [type=checkbox])')]
          .filter((element) => element.checkVisibility())
          .map((element) => [element.textContent?.trim(), element.getBoundingClientRect().height])
          .filter(([, height]) => Number(height) < 44);
        return { wide: document.documentElement.scrollWidth - innerWidth, small };
      });
      if (layout.wide > 0) found.push(`${name} ${lang}: ${layout.wide} px too wide`);
      for (const [what, height] of layout.small) found.push(`${name} ${lang}: ${what} is ${height} px high`);
      const unfilled = await page.locator('main').innerText();
      if (/undefined|null|NaN|\{\w+\}/.test(unfilled)) found.push(`${name} ${lang}: ${unfilled}`);
    }
    await page.context().close();
  }
  assert.deepEqual(found, []);
});

test('nothing moves while numbers change', async () => {
  const page = await person(opened, site, { id: 'looker', width: 320 });
  await shown(page, 'waiting', 'ko');
  const boxes = () =>
    page.evaluate(() =>
      ['number', 'way', 'when', 'fresh', 'left', 'leave'].map((id) => {
        const top = document.getElementById(id)?.getBoundingClientRect().top ?? 0;
        return `${id} ${Math.round(top + scrollY)}`;
      }),
    );
  const begun = await boxes();
  const told = STATES.waiting?.();
  for (const [taken, left] of [[3900, 1203], [4799, 998], [5081, 7]]) {
    await page.route('**/v2/waiting-room/snapshot/**', (route) => {
      const stock = { ...told?.line.stock, tiers: told?.line.stock?.tiers.map((tier) => ({ ...tier, left })) };
      return route.fulfill({ json: { message: '', status: 200, data: { ...told?.line, taken, stock } } });
    });
    await page.evaluate(() => window.dispatchEvent(new Event('online')));
    const place = (1284 - ((taken ?? 0) - 3800)).toLocaleString('en-US');
    await page.waitForFunction((place) => document.querySelector('#number span')?.textContent === place, place);
    assert.deepEqual(await boxes(), begun);
  }
  await page.context().close();
});
