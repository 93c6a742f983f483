// @ts-check
// Every page in every state: WCAG 2.2 AA by axe-core, and nothing wider than the narrowest phone.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { SCENES, prepare } from './scenes.js';
import { browser, embedded, person } from './stage.js';

const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];

/** @type {import('playwright-core').Browser} */
let opened;
/** @type {import('./stage.js').Site} */
let site;
/** @type {string} */
let axe;

before(async () => {
  const source = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
  [opened, site, axe] = await Promise.all([browser(), embedded(), readFile(source, 'utf8')]);
  await prepare(site);
});

after(async () => {
  await opened?.close();
  await site?.stop();
});

for (const scene of SCENES) {
  test(`${scene.name} is for everybody, in both languages and themes, at 320 px`, async () => {
    for (const lang of /** @type {const} */ (['ko', 'en'])) {
      const page = await person(opened, site, { id: scene.id, operator: scene.operator, lang, width: 320, height: 640 });
      await scene.open(page, site);
      await page.context().setOffline(false);
      for (const theme of /** @type {const} */ (['light', 'dark'])) {
        await page.emulateMedia({ colorScheme: theme });
        const where = `${scene.name} ${lang} ${theme}`;
        await page.evaluate(axe);
        const found = await page.evaluate(
          // @ts-ignore
          async (tags) => (await window.axe.run(document, { runOnly: tags })).violations,
          TAGS,
        );
        const faults = found.map((/** @type {any} */ it) => `${it.id}: ${it.nodes.map((/** @type {any} */ node) => node.target)}`);
        assert.deepEqual(faults, [], where);
        const width = await page.evaluate(() => document.documentElement.scrollWidth);
        assert.ok(width <= 320, `${where} is ${width} px wide`);
        const small = await page.evaluate(tooSmall);
        assert.deepEqual(small, [], `${where}: smaller than 44 px`);
      }
      await page.context().close();
    }
  });
}

/** Returns what can be pressed and is less than 44 px high, apart from links within a text. */
function tooSmall() {
  const all = document.querySelectorAll('button, a.button, select, input:not([type=hidden], [type=checkbox], [type=radio]), textarea');
  return [...all]
    .filter((it) => it.getClientRects().length > 0 && it.getBoundingClientRect().height < 43.5)
    .map((it) => `${it.tagName} ${it.id || it.textContent?.trim()} ${it.getBoundingClientRect().height}`);
}
