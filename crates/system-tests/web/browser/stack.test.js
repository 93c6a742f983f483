// @ts-check
// The same pages on separate services: Redis, RabbitMQ, PostgreSQL, two replicas of each, nginx.

import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { journey } from './journey.js';
import { SUNBEON, Site, browser, freePort } from './stage.js';

const run = promisify(execFile);
const DEV = resolve(import.meta.dirname, '../../../../scripts/dev');

/** @type {import('playwright-core').Browser} */
let opened;
/** @type {Site} */
let site;

before(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sunbeon-stack-'));
  const env = { ...process.env, DEV_FOLDER: folder, DEV_PORT: String(await freePort()), SUNBEON_BIN: SUNBEON };
  const dev = (/** @type {string[]} */ ...words) => run(DEV, words, { env, maxBuffer: 1 << 24 });
  const stop = async () => {
    await dev('down', '--wipe');
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await dev('up', '--no-build');
  } catch (error) {
    await stop();
    throw error;
  }
  const lines = (await readFile(join(folder, 'env'), 'utf8')).split('\n');
  const value = (/** @type {string} */ name) => {
    const line = lines.find((line) => line.startsWith(`${name}=`));
    return line?.slice(name.length + 1) ?? '';
  };
  site = new Site({
    url: value('SUNBEON_URL'),
    operators: value('SUNBEON_OPERATORS_URL'),
    adminToken: value('SUNBEON_ADMIN_TOKEN'),
    secret: value('SUNBEON_HS256_SECRET'),
  });
  site.stop = stop;
  opened = await browser();
});

after(async () => {
  await opened?.close();
  await site?.stop();
});

test('three fans and an operator, on the whole stack', (t) => journey(opened, site, t));
