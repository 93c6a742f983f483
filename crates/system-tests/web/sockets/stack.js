// @ts-check
// What the tests of sockets share: the dev stack with two replicas of realtime behind nginx, and its people.

import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, get } from 'node:http';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { io } from 'socket.io-client';
import { PATIENCE, SUNBEON, Site, until } from '../browser/stage.js';

export { PATIENCE, until };

const run = promisify(execFile);
const ROOT = resolve(import.meta.dirname, '../../../..');
/** The dev stack, in a folder of its own. */
export class Stack {
  /**
   * @param {string} folder
   * @param {Record<string, string>} env
   */
  constructor(folder, env) {
    this.folder = folder;
    this.env = env;
    this.url = env.SUNBEON_URL;
  }

  static async up() {
    const folder = await mkdtemp('/var/tmp/sunbeon-sockets-');
    const stack = new Stack(folder, {});
    try {
      await stack.dev('up', '--no-build');
    } catch (error) {
      await stack.down();
      throw error;
    }
    for (const line of readFileSync(join(folder, 'env'), 'utf8').split('\n')) {
      const at = line.indexOf('=');
      if (at > 0) stack.env[line.slice(0, at)] = line.slice(at + 1);
    }
    stack.url = stack.env.SUNBEON_URL;
    return stack;
  }

  /** @param {...string} args */
  dev(...args) {
    const env = { ...process.env, DEV_FOLDER: this.folder, DEV_PORT: '28080', SUNBEON_BIN: SUNBEON };
    return run(join(ROOT, 'scripts/dev'), args, { env });
  }

  async down() {
    await this.dev('down', '--wipe');
    await rm(this.folder, { recursive: true, force: true });
  }

  /** The stack as a browser's tests see it. */
  site() {
    const { env, url } = this;
    return new Site({
      url,
      operators: env.SUNBEON_OPERATORS_URL ?? '',
      adminToken: env.SUNBEON_ADMIN_TOKEN ?? '',
      secret: env.SUNBEON_HS256_SECRET ?? '',
    });
  }

  /** @param {string} id */
  token(id, lifeSeconds = 3600) {
    return this.site().token(id, id, lifeSeconds);
  }

  /**
   * Calls the API.
   * @param {string} method
   * @param {string} path
   * @param {{ as?: string, operator?: boolean, body?: unknown, headers?: Record<string, string> }} [how]
   */
  async api(method, path, { as, operator, body, headers = {} } = {}) {
    const token = operator ? this.env.SUNBEON_ADMIN_TOKEN : as && this.token(as);
    const answer = await fetch((operator ? this.env.SUNBEON_OPERATORS_URL : this.url) + path, {
      method,
      headers: {
        ...(token && { Authorization: `Bearer ${token}` }),
        ...(body !== undefined && { 'Content-Type': 'application/json' }),
        ...headers,
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, data: text && JSON.parse(text).data };
  }

  /**
   * Puts a concert on sale and returns its id.
   * @param {Record<string, unknown>} policy
   * @param {Record<string, unknown>} [stock]
   */
  async sell(policy, stock) {
    const concertId = `c-${randomUUID()}`;
    const body = { concertId, title: '소켓', ...policy };
    const made = await this.api('POST', '/v2/admin/concerts', { operator: true, body });
    if (made.status !== 201) throw new Error(`${made.status} ${JSON.stringify(made.data)}`);
    if (stock) {
      await this.api('PUT', `/v2/stock/${concertId}`, { operator: true, body: stock });
    }
    return concertId;
  }

  /**
   * @param {string} id
   * @param {Record<string, unknown>} body
   */
  async change(id, body) {
    const path = `/v2/admin/concerts/${id}`;
    const { headers } = await this.api('GET', path, { operator: true });
    const tag = headers.get('etag') ?? '';
    const how = { operator: true, body, headers: { 'If-Match': tag } };
    const changed = await this.api('PATCH', path, how);
    if (changed.status !== 200) throw new Error(`${path}: ${changed.status}`);
  }

  /**
   * @param {string} id
   * @param {number} many
   */
  open(id, many) {
    const path = `/v2/reservation/open/${id}?batchSize=${many}`;
    return this.api('POST', path, { operator: true });
  }

  /**
   * Lines a member up.
   * @param {string} id
   * @param {string} as
   */
  enter(id, as) {
    const body = { concertId: id };
    return this.api('POST', '/v2/waiting-room/enter', { as, body });
  }

  /**
   * Which instance nginx sends an address of this machine to.
   * @param {string} localAddress
   */
  async instanceOf(localAddress) {
    const before = await this.asked(1);
    const path = `${this.url}/socket.io/?EIO=4&transport=polling`;
    await new Promise((done, failed) => {
      get(path, { localAddress }, (answer) => answer.resume().on('end', done)).on('error', failed);
    });
    return (await this.asked(1)) > before ? 1 : 2;
  }

  /**
   * How many requests an instance has had for its sockets.
   * @param {1 | 2} replica
   */
  async asked(replica) {
    const metrics = await (await fetch(`${this.env[`REALTIME_${replica}_URL`]}/metrics`)).text();
    const lines = metrics.split('\n').filter((line) => {
      return line.startsWith('http_server_request_duration_seconds_count') && line.includes('socket.io');
    });
    return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
  }

  /** An address of this machine whom nginx sends to the other instance than it sends 127.0.0.1. */
  async elsewhere() {
    const home = await this.instanceOf('127.0.0.1');
    for (let last = 2; last < 200; last += 1) {
      const address = `127.0.0.${last}`;
      if ((await this.instanceOf(address)) !== home) return address;
    }
    throw new Error('nginx sends everybody to the same instance');
  }

  /** @param {1 | 2} replica */
  pid(replica) {
    const known = readFileSync(join(this.folder, 'run', `realtime-${replica}.pid`), 'utf8');
    return Number(known.split(' ')[0]);
  }
}

/** A page of a member, with everything that it was told. */
export class Page {
  /**
   * @param {string} url
   * @param {Partial<import('socket.io-client').ManagerOptions & import('socket.io-client').SocketOptions>} options
   */
  constructor(url, options) {
    /** @type {{ event: string, data: any, at: number }[]} */
    this.told = [];
    this.socket = io(url, {
      forceNew: true,
      reconnectionDelay: 100,
      reconnectionDelayMax: 500,
      ...options,
    });
    this.socket.onAny((event, data) => this.told.push({ event, data, at: Date.now() }));
  }

  connected() {
    return until('the socket is connected', () => this.socket.connected);
  }

  /** Returns the message of the refusal. */
  refused() {
    return new Promise((refused) => {
      this.socket.on('connect_error', (error) => refused(error.message));
    });
  }

  /**
   * Asks and returns the answer.
   * @param {string} event
   * @param {any} [data]
   */
  ask(event, data) {
    return this.socket.timeout(PATIENCE).emitWithAck(event, data);
  }

  /**
   * Waits for an event that fits, among those after the mark.
   * @param {string} event
   * @param {(data: any) => unknown} [fits]
   * @param {number} [limit]
   */
  async hears(event, fits = () => true, limit = PATIENCE) {
    const one = (/** @type {any} */ it) => it.event === event && fits(it.data);
    try {
      const found = await until(event, () => this.told.find(one), limit);
      return found.data;
    } catch {
      const told = this.told.map((it) => `${it.event} ${JSON.stringify(it.data)}`);
      throw new Error(`${event} that fits was not told; told was:\n${told.slice(-20).join('\n')}`);
    }
  }

  /** Forgets what it was told. */
  forget() {
    this.told = [];
  }

  close() {
    this.socket.close();
  }
}

/**
 * From another address of this machine.
 * @param {string} localAddress
 */
export function from(localAddress) {
  return { agent: /** @type {any} */ (new Agent({ localAddress, keepAlive: true })) };
}
