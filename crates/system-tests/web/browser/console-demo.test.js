// @ts-check
// The operators' console of the demo, which can be broken.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { browser, demo, until } from './stage.js';

/** @type {import('playwright-core').Browser} */
let opened;

before(async () => {
  opened = await browser();
});
after(() => opened?.close());

/** The console of a demo with so many fans, signed in by its button. @param {number} fans */
async function console_(fans) {
  const running = await demo(fans);
  const context = await opened.newContext({ locale: 'en-US', viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  await page.goto(`${running.url}/admin`);
  await page.getByRole('button', { name: 'Sign in as the demo’s operator' }).click();
  await page.locator('#age:not(.off)').waitFor();
  return {
    page,
    end: async () => {
      await context.close();
      await running.stop();
    },
  };
}

test('in the demo one button signs in, the red ones are seen to break it, and nobody is lost', async () => {
  const { page, end } = await console_(150);
  try {
    const troubles = page.locator('#troubles');
    await page.getByRole('button', { name: 'Stop the broker for 10 s' }).click();
    await troubles.getByText('The broker is down').waitFor();
    // It is said to be back when it is, and not before.
    const said = page.locator('#broken');
    await until('it is back', async () => {
      const [back, down] = await page.evaluate(() => [
        document.getElementById('broken')?.textContent?.startsWith('It is back'),
        document.getElementById('troubles')?.textContent?.includes('The broker is down'),
      ]);
      assert.ok(!(back && down), 'it is back and down at the same time');
      return back;
    });
    assert.match(await said.innerText(), /^It is back/);
    await page.getByRole('button', { name: 'Kill the consumer' }).click();
    await troubles.getByText(/taken off the line but not called/).waitFor();
    await troubles.getByText(/taken off the line but not called/).waitFor({ state: 'detached' });
    assert.match(await page.locator('#zeros').innerText(), /Lost\s*0/);
  } finally {
    await end();
  }
});

test('a message that nobody can handle is told, looked at, kept when it cannot be sent again, and removed', async () => {
  const { page, end } = await console_(0);
  try {
    assert.doesNotMatch(await page.locator('#zeros').innerText(), /Dead letters/);
    const broken = page.getByRole('button', { name: 'Send a broken message' });
    await broken.click();
    await page.locator('#zeros').getByText('Dead letters').waitFor();
    await page.locator('#troubles').getByText('1 message could not be handled').waitFor();
    await page.getByRole('link', { name: 'Look at them' }).click();
    await page.getByRole('heading', { name: 'Dead letters' }).waitFor();
    const letter = page.locator('#letters li');
    assert.match(await letter.innerText(), /Not an ENTER message[^]*refused by the consumer/);
    await letter.getByText(/^Message, \d+ bytes$/).press('Enter');
    await letter.getByText('"messageType":"HELLO"').waitFor();
    // There is nothing to send again; what comes meanwhile is shown by itself.
    assert.equal(await page.getByRole('button', { name: 'Send all again…' }).count(), 0);
    await broken.click();
    await until('both are shown', async () => (await letter.count()) === 2);
    await page.getByRole('button', { name: 'Remove all…' }).press('Enter');
    await page.getByRole('heading', { name: 'Remove 2 messages?' }).waitFor();
    assert.match(await page.locator('#ask').innerText(), /gone for good/);
    await page.locator('#ask-yes').click();
    await page.locator('#said').getByText('2 messages were removed.').waitFor();
    await page.getByText('There are none.').waitFor();
    await page.locator('#zeros').getByText('Dead letters').waitFor({ state: 'detached' });
    await page.evaluate(() => { location.hash = '#/record'; });
    const entry = page.locator('#record li').first();
    await entry.waitFor();
    assert.match(await entry.innerText(), /^Removed dead letters\s+Messages: 2\s/);
  } finally {
    await end();
  }
});
