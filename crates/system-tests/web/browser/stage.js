// @ts-check
// What the browser's tests share: a running Sunbeon, its operator, and people with browsers.

import { spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { chromium } from 'playwright-core';

const ROOT = resolve(import.meta.dirname, '../../../..');
export const SUNBEON = process.env.SUNBEON_BIN ?? join(ROOT, 'target/debug/sunbeon');
const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
/** How long anything may take that has no limit of its own, on a machine that does much else, in ms. */
export const PATIENCE = 30_000;

/** @returns {Promise<number>} a port that nothing listens on */
export function freePort() {
  return new Promise((found, failed) => {
    const server = createServer();
    server.on('error', failed);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => found(typeof address === 'object' && address ? address.port : 0));
    });
  });
}

/**
 * Waits until something holds.
 * @template T
 * @param {string} what for the failure
 * @param {() => T | null | undefined | false | Promise<T | null | undefined | false>} holds
 * @param {number} [limit] in ms
 * @returns {Promise<T>}
 */
export async function until(what, holds, limit = PATIENCE) {
  const end = Date.now() + limit;
  for (;;) {
    const found = await holds();
    if (found) return found;
    if (Date.now() > end) throw new Error(`${what}: not within ${limit} ms`);
    await sleep(20);
  }
}

/** A running Sunbeon: where it is, and what signs its people in. */
export class Site {
  /** @param {{ url: string, operators: string, adminToken: string, secret: string }} at */
  constructor(at) {
    this.url = at.url;
    this.operators = at.operators;
    this.adminToken = at.adminToken;
    this.secret = at.secret;
    /** @type {() => Promise<void>} */
    this.stop = async () => {};
  }

  /**
   * Calls the API as the operator.
   * @param {string} method
   * @param {string} path
   * @param {unknown} [body]
   * @param {Record<string, string>} [headers]
   */
  async operator(method, path, body, headers = {}) {
    const answer = await fetch(this.operators + path, {
      method,
      headers: {
        Authorization: `Bearer ${this.adminToken}`,
        'Content-Type': 'application/json',
        ...headers,
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text ? JSON.parse(text).data : undefined;
  }

  /**
   * Changes a concert's policy.
   * @param {string} id
   * @param {Record<string, unknown>} fields
   */
  async change(id, fields) {
    const answer = await fetch(`${this.operators}/v2/admin/concerts/${id}`, {
      headers: { Authorization: `Bearer ${this.adminToken}` },
    });
    const tag = answer.headers.get('etag') ?? '';
    return this.operator('PATCH', `/v2/admin/concerts/${id}`, fields, { 'If-Match': tag });
  }

  /**
   * Puts a concert on sale.
   * @param {Record<string, unknown> & { concertId: string }} concert the policy's fields
   * @param {Record<string, unknown>} [stock]
   */
  async sell(concert, stock) {
    await this.operator('POST', '/v2/admin/concerts', concert);
    if (stock) await this.operator('PUT', `/v2/stock/${concert.concertId}`, stock);
  }

  /**
   * Returns a member's access token.
   * @param {string} id
   * @param {string} [name]
   * @param {number} [seconds] how long it lives
   */
  token(id, name = id, seconds = 3600) {
    const part = (/** @type {unknown} */ value) =>
      Buffer.from(JSON.stringify(value)).toString('base64url');
    const exp = Math.floor(Date.now() / 1000) + seconds;
    const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ sub: id, name, exp })}`;
    const mac = createHmac('sha256', this.secret).update(signed).digest('base64url');
    return `${signed}.${mac}`;
  }

  /**
   * Calls the API as a member.
   * @param {string} id
   * @param {string} method
   * @param {string} path
   * @param {unknown} [body]
   * @param {Record<string, string>} [headers]
   */
  async member(id, method, path, body, headers = {}) {
    const answer = await fetch(this.url + path, {
      method,
      headers: {
        Authorization: `Bearer ${this.token(id)}`,
        'Content-Type': 'application/json',
        ...headers,
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    return { status: answer.status, body: JSON.parse((await answer.text()) || 'null') };
  }
}

/**
 * Starts all of Sunbeon in one process, with a login whose secret the test knows.
 * @param {Record<string, string>} [settings] further environment
 * @returns {Promise<Site>}
 */
export async function embedded(settings = {}) {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const site = new Site({
    url,
    operators: url,
    adminToken: 'an-admin-token-of-the-browser-tests',
    secret: 'the secret of the browser tests, of 32 bytes and more',
  });
  const child = spawn(SUNBEON, ['--bind', `127.0.0.1:${port}`, '--fans', '0'], {
    env: {
      ...process.env,
      SUNBEON__AUTH__ADMIN_TOKEN: site.adminToken,
      SUNBEON__AUTH__HS256_SECRET: site.secret,
      ...settings,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  await ready(child, url);
  site.stop = () => ended(child);
  return site;
}

/**
 * Starts the demo, as `cargo run` does.
 * @param {number} [fans]
 * @returns {Promise<{ url: string, stop: () => Promise<void> }>}
 */
export async function demo(fans = 30) {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const child = spawn(SUNBEON, ['--bind', `127.0.0.1:${port}`, '--fans', String(fans)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  await ready(child, url);
  await until('the demo sale', async () => {
    const list = await fetch(`${url}/v2/concerts`);
    return list.ok && (await list.text()).includes('"train"');
  });
  return { url, stop: () => ended(child) };
}

/**
 * @param {import('node:child_process').ChildProcess} child
 * @param {string} url
 */
async function ready(child, url) {
  let log = '';
  child.stdout?.on('data', (part) => (log = (log + part).slice(-4_000)));
  child.stderr?.on('data', (part) => (log = (log + part).slice(-4_000)));
  await until(`${url}/ready`, async () => {
    if (child.exitCode !== null) throw new Error(`it ended: ${log}`);
    const answer = await fetch(`${url}/ready`).catch(() => null);
    return answer?.ok;
  });
}

/** @param {import('node:child_process').ChildProcess} child */
async function ended(child) {
  if (child.exitCode !== null) return;
  const gone = new Promise((done) => child.once('exit', done));
  child.kill('SIGTERM');
  const late = sleep(15_000, 'late', { ref: false });
  if ((await Promise.race([gone, late])) === 'late') child.kill('SIGKILL');
}

/** A Chromium with a folder of its own. */
export async function browser() {
  const folder = await mkdtemp(join(tmpdir(), 'sunbeon-chromium-'));
  const opened = await chromium.launch({
    executablePath: CHROMIUM,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      `--disk-cache-dir=${folder}`,
    ],
  });
  opened.on('disconnected', () => rm(folder, { recursive: true, force: true }));
  return opened;
}

/**
 * A person with a browser of their own.
 * @param {import('playwright-core').Browser} opened
 * @param {Site} site
 * @param {{ id?: string, name?: string, lang?: 'ko' | 'en', theme?: 'light' | 'dark', width?: number,
 *   height?: number, javaScript?: boolean, operator?: boolean }} [who]
 * @returns {Promise<import('playwright-core').Page>}
 */
export async function person(opened, site, who = {}) {
  const context = await opened.newContext({
    viewport: { width: who.width ?? 390, height: who.height ?? 844 },
    locale: who.lang === 'ko' ? 'ko-KR' : 'en-US',
    timezoneId: 'Asia/Seoul',
    colorScheme: who.theme ?? 'light',
    reducedMotion: 'reduce',
    javaScriptEnabled: who.javaScript ?? true,
  });
  context.setDefaultTimeout(PATIENCE);
  const cookies = [];
  if (who.id) {
    const value = site.token(who.id, who.name ?? who.id);
    cookies.push({ name: 'sunbeon-access', value, url: site.url, httpOnly: true });
  }
  if (who.operator) {
    const value = site.adminToken;
    cookies.push({ name: 'sunbeon-operator', value, url: site.operators, httpOnly: true });
  }
  await context.addCookies(cookies);
  const page = await context.newPage();
  page.on('pageerror', (error) => {
    throw error;
  });
  return page;
}
