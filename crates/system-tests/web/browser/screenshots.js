// @ts-check
// Writes a picture of every page in every state: node browser/screenshots.js FOLDER [NAME...]

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { SCENES, prepare } from './scenes.js';
import { browser, embedded, person } from './stage.js';

const [folder = 'pictures', ...names] = process.argv.slice(2);
const SIZES = [
  { width: 320, height: 640 },
  { width: 390, height: 844 },
  { width: 1280, height: 800 },
];

await mkdir(folder, { recursive: true });
const [opened, site] = await Promise.all([browser(), embedded()]);
try {
  await prepare(site);
  for (const scene of SCENES.filter((it) => names.length === 0 || names.includes(it.name))) {
    for (const lang of /** @type {const} */ (['ko', 'en'])) {
      for (const size of SIZES) {
        const page = await person(opened, site, { id: scene.id, operator: scene.operator, lang, ...size });
        try {
          await scene.open(page, site);
          for (const theme of /** @type {const} */ (['light', 'dark'])) {
            await page.emulateMedia({ colorScheme: theme });
            const file = `${scene.name}-${size.width}-${theme}-${lang}.png`;
            await page.screenshot({ path: join(folder, file), fullPage: true });
            console.log(file);
          }
        } catch (error) {
          console.error(`${scene.name} ${size.width} ${lang}: ${error}`);
          process.exitCode = 1;
        }
        await page.context().close();
      }
    }
  }
} finally {
  await opened.close();
  await site.stop();
}
