// @ts-check
// The operators' console in a browser.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { browser, embedded, person, until } from './stage.js';

/** @type {import('./stage.js').Site} */
let site;
/** @type {import('playwright-core').Browser} */
let opened;

before(async () => {
  site = await embedded();
  opened = await browser();
});
after(async () => {
  await opened?.close();
  await site?.stop();
});

/**
 * The console as its operator sees it, in English.
 * @param {string} [hash]
 * @param {Parameters<typeof person>[2]} [who]
 */
async function operator(hash = '#/', who = {}) {
  const page = await person(opened, site, { operator: true, lang: 'en', width: 1280, ...who });
  await page.goto(`${site.operators}/admin${hash}`);
  await page.locator('#age:not(.off)').waitFor();
  return page;
}

/** @param {import('playwright-core').Page} page @param {string} act */
async function ask(page, act) {
  await page.locator(`[data-act="${act}"]`).click();
  await page.locator('#ask[open]').waitFor();
  return page.locator('#ask').innerText();
}

/** @param {string} concert */
async function acts(concert) {
  const audit = await site.operator('GET', `/v2/admin/audit?concertId=${concert}`);
  return audit.acts.map((/** @type {any} */ { act, detail }) => [act, detail]);
}

test('an operator signs in with a token, and a wrong one is refused in plain words', async () => {
  const page = await person(opened, site, { lang: 'en' });
  await page.goto(`${site.operators}/admin`);
  await page.getByLabel('Operator’s token').fill('wrong');
  await page.getByRole('button', { name: 'Sign in' }).click();
  assert.match(await page.getByRole('alert').innerText(), /wrong or has expired/);
  await page.getByLabel('Operator’s token').fill(site.adminToken);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.locator('#age:not(.off)').waitFor();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByLabel('Operator’s token').waitFor();
  await page.context().close();
});

test('a link on another site leads a signed-in operator into the console, not to the sign-in', async () => {
  await site.sell({ concertId: 'linked', title: 'Linked' });
  const page = await person(opened, site, { lang: 'en', width: 1280 });
  await page.goto(`${site.operators}/admin`);
  await page.getByLabel('Operator’s token').fill(site.adminToken);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.locator('#age:not(.off)').waitFor();
  // By this name, this machine is another site.
  const elsewhere = site.operators.replace('127.0.0.1', 'localhost');
  await page.route(`${elsewhere}/elsewhere`, (route) => route.fulfill({
    contentType: 'text/html', body: `<a href="${site.operators}/admin#/lines/linked">Linked</a>`,
  }));
  await page.goto(`${elsewhere}/elsewhere`);
  await page.getByRole('link').click();
  await until('the line is shown', async () => (await page.locator('#line-title').innerText()) === 'Linked');
  await page.context().close();
});

test('people are let in after one question that says whom it concerns, and the audit has it', async () => {
  await site.sell({ concertId: 'open-me', title: 'Open me', autoOpen: false, maxActive: 2 });
  for (const who of ['a', 'b', 'c']) await site.member(who, 'POST', '/v2/waiting-room/enter', { concertId: 'open-me' });
  const page = await operator('#/lines/open-me');
  await until('three wait', async () => (await page.locator('#figures').innerText()).includes('Waiting\n3'));
  await page.locator('#batch').fill('3');
  await page.getByRole('button', { name: 'Let 3 in now' }).click();
  const asked = await page.locator('#ask').innerText();
  assert.match(asked, /Let 3 people in now\?/);
  assert.match(asked, /Open me \(open-me\)/);
  assert.match(asked, /3\swaiting, 0\scalled, 0\sinside/);
  assert.match(asked, /2 of 2 slots are free/);
  await page.locator('#ask-yes').click();
  await until('it says what came of it', async () => (await page.locator('#said').innerText()).includes('2 people were let in. No slots are left.'));
  assert.deepEqual((await acts('open-me'))[0], ['open', { batchSize: 3, admitted: 2 }]);
  await page.context().close();
});

test('the record says what an act changed and what came of it, in the time of the sale', async () => {
  const ends = { bookingEndAt: '2199-12-24T11:00:00.000Z' };
  await site.sell({ concertId: 'told', title: 'Told', autoOpen: false, groupSize: 10, timeZone: 'Asia/Seoul' });
  for (const who of ['a', 'b']) await site.member(who, 'POST', '/v2/waiting-room/enter', { concertId: 'told' });
  await site.change('told', { ...ends, groupSize: 20, notice: 'Soon.' });
  await site.operator('POST', '/v2/admin/concerts/told/clear');
  const page = await operator('#/lines/told/record', { lang: 'ko' });
  await until('all is told', async () => (await page.locator('#record > li').count()) === 3);
  const [cleared, changed] = await page.locator('#record > li').allInnerTexts();
  assert.match(cleared ?? '', /^줄 비우기\n+순서를 잃은 인원: 2\n+.+ · 관리자 토큰$/);
  assert.match(changed ?? '', /^설정 변경\n+판매 종료: 없음 → 12월 24일 20:00\n한 번에 호출 \(명\): 10 → 20\n안내문: 없음 → Soon\.\n/);
  await page.context().close();
});

test('the line in which most wait is shown first, and its row is in view of many', async () => {
  for (let number = 1; number <= 14; number += 1) await site.sell({ concertId: `many-${number}`, title: `Many ${number}` });
  await site.sell({ concertId: 'most', title: 'Zebra', autoOpen: false });
  for (let who = 0; who < 4; who += 1) await site.member(`m${who}`, 'POST', '/v2/waiting-room/enter', { concertId: 'most' });
  const page = await operator('#/', { height: 800 });
  await page.waitForURL(/#\/lines\/most$/);
  const shown = async (/** @type {string} */ selector) => {
    const box = await page.locator(selector).boundingBox();
    return box !== null && box.y >= 0 && box.y + box.height <= 800;
  };
  await until('the row is in view', () => shown('[data-line="most"]'));
  assert.ok(await shown('#to-record'), 'the link below the rows is in view');
  await page.context().close();
});

test('without a script the console shows nothing that does nothing', async () => {
  const page = await person(opened, site, { operator: true, lang: 'en', javaScript: false });
  await page.goto(`${site.operators}/admin`);
  await page.locator('noscript p').waitFor();
  assert.match(await page.locator('noscript p').innerText(), /needs JavaScript/);
  assert.deepEqual(await page.locator('button:visible, a:visible').allInnerTexts(), ['Sunbeon', 'Sign out', '한국어']);
  assert.equal(await page.getByText('Loading').isVisible(), false);
  await page.context().close();
});

test('a question stays until it is answered what came of it', async () => {
  await site.sell({ concertId: 'slow', title: 'Slow' });
  const page = await operator('#/lines/slow');
  /** @type {(value?: unknown) => void} */
  let answer = () => {};
  await page.route('**/v2/admin/concerts/slow/clear', async (route) => {
    await new Promise((next) => { answer = next; });
    await route.abort();
  });
  await ask(page, 'clear');
  assert.equal(await page.locator('#ask-yes').getAttribute('class'), 'final');
  await page.locator('#ask-yes').click();
  await page.keyboard.press('Escape');
  await page.keyboard.press('Escape');
  assert.equal(await page.locator('#ask[open]').count(), 1);
  answer();
  await until('it says why not', async () => (await page.locator('#ask-refused').innerText()).includes('not responding'));
  await page.keyboard.press('Escape');
  await page.locator('#ask[open]').waitFor({ state: 'detached' });
  await page.context().close();
});

test('the curves are there after the theme has changed behind another view', async () => {
  await site.sell({ concertId: 'drawn', title: 'Drawn' });
  const page = await operator('#/lines/drawn');
  const curves = page.locator('.chart canvas');
  await until('both are drawn', async () => (await curves.count()) === 2);
  await page.getByRole('link', { name: 'Policy' }).click();
  await page.emulateMedia({ colorScheme: 'dark' });
  await until('they are taken away', async () => (await curves.count()) === 0);
  await page.getByRole('link', { name: 'Now' }).click();
  await until('both are drawn anew', async () => (await curves.count()) === 2);
  await page.context().close();
});

test('a cancelled question does nothing', async () => {
  await site.sell({ concertId: 'spare-me', title: 'Spare me' });
  const page = await operator('#/lines/spare-me');
  assert.match(await ask(page, 'close'), /Close the sale\?\s+Spare me/);
  await page.keyboard.press('Escape');
  await page.locator('#ask[open]').waitFor({ state: 'detached' });
  assert.deepEqual(await acts('spare-me'), [['create', { title: 'Spare me' }]]);
  await page.context().close();
});

test('a pause says why to everybody in line, and resuming takes the reason down', async () => {
  await site.sell({ concertId: 'pause-me', title: 'Pause me' });
  const page = await operator('#/lines/pause-me');
  await ask(page, 'pause');
  await page.locator('#a-notice').fill('A short break.');
  await page.locator('#ask-yes').click();
  await until('it is paused', async () => (await page.locator('#line-state').innerText()) === 'Paused');
  await until('the reason is shown', async () => (await page.locator('#line-notice').innerText()) === 'A short break.');
  const line = await fetch(`${site.url}/v2/waiting-room/snapshot/pause-me`).then((answer) => answer.json());
  assert.equal(line.data.state, 'paused');
  assert.equal(line.data.notice, 'A short break.');
  assert.match(await ask(page, 'resume'), /The notice now: A short break\./);
  await page.locator('#ask-yes').click();
  await until('it goes on', async () => (await page.locator('#line-state').innerText()) === 'Open');
  await page.locator('#line-notice').waitFor({ state: 'hidden' });
  assert.deepEqual((await acts('pause-me')).map(([act]) => act), ['change', 'resume', 'change', 'pause', 'create']);
  await page.context().close();
});

test('a notice that another operator wrote meanwhile stays, also where this one pauses or resumes', async () => {
  await site.sell({ concertId: 'two-operators', title: 'Two', notice: 'As before.' });
  const page = await operator('#/lines/two-operators');
  const change = async (/** @type {string} */ notice) => {
    const { version } = await site.operator('GET', '/v2/admin/concerts/two-operators');
    await site.operator('PATCH', '/v2/admin/concerts/two-operators', { notice }, { 'If-Match': `"${version}"` });
  };
  const notice = async () => (await site.operator('GET', '/v2/admin/concerts/two-operators')).notice;
  await ask(page, 'pause');
  await change('Leave by exit B.');
  await page.locator('#ask-yes').click();
  await until('it is paused', async () => (await page.locator('#line-state').innerText()) === 'Paused');
  assert.equal(await notice(), 'Leave by exit B.', 'nothing was written here');
  await until('it is shown', async () => (await page.locator('#line-notice').innerText()) === 'Leave by exit B.');
  await ask(page, 'resume');
  await change('Exit B is closed.');
  await page.locator('#ask-yes').click();
  await page.locator('#ask').getByText('Someone else changed this concert meanwhile').waitFor();
  assert.equal(await notice(), 'Exit B is closed.', 'it was not what the operator took down');
  await page.context().close();
});

test('a refused value is explained at its field', async () => {
  await site.sell({ concertId: 'pace-me', title: 'Pace me' });
  const page = await operator('#/lines/pace-me');
  await ask(page, 'pace');
  await page.locator('#a-groupSize').fill('10001');
  await page.locator('#ask-yes').click();
  await until('the field says why', async () => (await page.locator('#a-groupSize-refused').innerText()).includes('from 1 to 10,000'));
  assert.equal(await page.locator('#a-groupSize').getAttribute('aria-invalid'), 'true');
  assert.equal(await page.evaluate(() => document.activeElement?.id), 'a-groupSize');
  await page.locator('#a-groupSize').fill('50');
  await page.locator('#ask-yes').click();
  await until('the pace is changed', async () => (await page.locator('#line-pace').innerText()).startsWith('50 people every'));
  await page.context().close();
});

test('whoever saves after somebody else sees their change and loses nothing of their own', async () => {
  await site.sell({ concertId: 'both', title: 'Both' });
  const page = await operator('#/lines/both/policy');
  await until('the form is filled', async () => (await page.locator('#p-title').inputValue()) === 'Both');
  await page.locator('#p-sessionMinutes').fill('20');
  await site.change('both', { groupSize: 33 });
  await page.locator('#policy-save').click();
  await until('it is told', async () => /changed it meanwhile.*People at a time: 33/.test(await page.locator('#policy-note').innerText()));
  assert.equal(await page.locator('#p-groupSize').inputValue(), '33');
  assert.equal(await page.locator('#p-sessionMinutes').inputValue(), '20');
  await page.locator('#policy-save').click();
  await until('both hold', async () => {
    const concert = await site.operator('GET', '/v2/admin/concerts/both');
    return concert.groupSize === 33 && concert.sessionMinutes === 20;
  });
  await page.context().close();
});

test('a concert is made, closed and deleted', async () => {
  const page = await operator('#/new');
  await page.locator('#p-concertId').fill('made');
  await page.locator('#policy-save').click();
  await until('the title is missed', async () => (await page.locator('#p-title-refused').innerText()) !== '');
  await page.locator('#p-title').fill('Made here');
  await page.locator('#p-bookingStartAt').fill('2199-01-01T20:00');
  await page.locator('#policy-save').click();
  await page.waitForURL(/#\/lines\/made$/);
  const made = await site.operator('GET', '/v2/admin/concerts/made');
  assert.equal(made.bookingStartAt, '2199-01-01T11:00:00.000Z');
  await until('it is listed', async () => (await page.locator('#line-title').innerText()) === 'Made here');
  for (const act of ['close', 'delete']) {
    await ask(page, act);
    await page.locator('#ask-yes').click();
    await page.locator('#ask[open]').waitFor({ state: 'detached' });
    if (act === 'close') await until('it is closed', async () => (await page.locator('#line-state').innerText()) === 'Closed');
  }
  await until('it is gone', async () => (await page.locator('[data-line="made"]').count()) === 0);
  await page.context().close();
});

test('a member is found and removed', async () => {
  await site.sell({ concertId: 'look', title: 'Look', autoOpen: false });
  await site.member('kim', 'POST', '/v2/waiting-room/enter', { concertId: 'look' });
  const page = await operator('#/lines/look/members');
  await page.locator('#front').getByText('kim').waitFor();
  await page.locator('#member').fill('kim');
  await page.getByRole('button', { name: 'Find' }).click();
  await page.locator('#found').getByText('1 of 1').waitFor();
  await page.locator('#found').getByRole('button', { name: /Remove/ }).click();
  assert.match(await page.locator('#ask').innerText(), /Remove kim\?\s+Look \(look\)/);
  await page.locator('#ask-yes').click();
  await page.locator('#found').getByText('Not in line').waitFor();
  await page.context().close();
});

test('twenty live lines are never shown more than two seconds old, at the 99th of a hundred', async () => {
  for (let number = 1; number <= 20; number += 1) {
    const concertId = `live-${number}`;
    await site.sell({ concertId, title: `Live ${number}` });
    for (let who = 0; who < 3; who += 1) await site.member(`m${who}`, 'POST', '/v2/waiting-room/enter', { concertId });
  }
  const page = await operator('#/lines/live-1');
  await until('all are there', async () => (await page.locator('[data-line^="live-"]').count()) === 20);
  // The server's clock is this machine's: how long ago each shown line was read.
  const ages = await page.evaluate(async () => {
    const ages = [];
    for (const end = Date.now() + 15_000; Date.now() < end; await new Promise((next) => setTimeout(next, 50))) {
      for (const row of document.querySelectorAll('[data-line^="live-"]')) {
        ages.push(Date.now() - Date.parse(/** @type {HTMLElement} */ (row).dataset.at ?? ''));
      }
    }
    return ages.sort((a, b) => a - b);
  });
  const p99 = ages[Math.floor(ages.length * 0.99)];
  console.log(`the console's age with 20 live lines, of ${ages.length} looks: p50 ${ages[ages.length >> 1]} ms, p99 ${p99} ms`);
  assert.ok(p99 <= 2_000, `${p99} ms`);
  await page.context().close();
});

test('messages are sent again after one question that says how many', async () => {
  const page = await operator();
  const enter = { concertId: 'axe', memberId: 'a', entryNumber: 1, reason: 'delivery_limit', bodyBytes: 2, body: '{}' };
  const letters = [enter, { reason: 'rejected', bodyBytes: 1 }];
  await page.route('**/v2/admin/dead-letters?*', (route) => route.fulfill({ json: { message: '', status: 200, data: { total: letters.length, deadLetters: letters } } }));
  /** @type {string[]} */
  const asked = [];
  await page.route('**/v2/admin/dead-letters/repeat?*', (route) => {
    asked.push(new URL(route.request().url()).search);
    letters.shift();
    return route.fulfill({ json: { message: '', status: 200, data: { repeated: 1, unrepeatable: 1, unconfirmed: 0, left: 1 } } });
  });
  await page.evaluate(() => { location.hash = '#/letters'; });
  await page.getByRole('button', { name: 'Send all again…' }).click();
  await page.getByRole('heading', { name: 'Send 2 messages again?' }).waitFor();
  assert.match(await page.locator('#ask').innerText(), /1 of them is not an ENTER message and stays here/);
  await page.locator('#ask-yes').click();
  await page.locator('#said').getByText('1 message was sent again. 1 is not an ENTER message and stays.').waitFor();
  await until('what is left is shown', async () => (await page.locator('#letters li').count()) === 1);
  assert.deepEqual(asked, ['?limit=2']);
  await page.context().close();
});

test('nothing in the console breaks the rules of WCAG 2.2 AA', async () => {
  const axe = await readFile(createRequire(import.meta.url).resolve('axe-core'), 'utf8');
  await site.sell({ concertId: 'axe', title: 'Axe', notice: 'Look here.', maxActive: 5 });
  for (const theme of /** @type {const} */ (['light', 'dark'])) {
    for (const lang of /** @type {const} */ (['ko', 'en'])) {
      const page = await operator('#/', { theme, lang, width: 320 });
      for (const hash of ['#/', '#/lines/axe', '#/lines/axe/policy', '#/lines/axe/members', '#/record', '#/letters', '#/new', 'ask']) {
        if (hash === 'ask') {
          await page.evaluate(() => { location.hash = '#/lines/axe'; });
          await ask(page, 'pause');
        } else {
          await page.evaluate((to) => { location.hash = to; }, hash);
        }
        await sleep(500);
        await page.evaluate(axe);
        const found = await page.evaluate(() => /** @type {any} */ (globalThis).axe.run(document, {
          runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'],
        }));
        const told = found.violations.map((/** @type {any} */ { id, nodes }) => `${id}: ${nodes.map((/** @type {any} */ node) => node.html).join(' ')}`);
        assert.deepEqual(told, [], `${hash} ${theme} ${lang}`);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(wide <= 0, `${hash} ${lang} is ${wide} px too wide`);
      }
      await page.context().close();
    }
  }
});
