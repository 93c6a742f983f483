// @ts-check
// The containers that scripts/compose-test started, as podman knows them.

import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { Site, until } from '../browser/stage.js';

const run = promisify(execFile);

/** The services of the one image. */
export const SERVICES = ['waiting-room', 'reservation-open', 'entry-consumer', 'token', 'booking', 'realtime'];

/** @param {string} name */
function given(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: start this by scripts/compose-test`);
  return value;
}

/** The public door and the operators' door. */
export const site = () =>
  new Site({
    url: given('SUNBEON_URL'),
    operators: given('SUNBEON_OPERATORS_URL'),
    adminToken: given('SUNBEON_ADMIN_TOKEN'),
    secret: given('SUNBEON_HS256_SECRET'),
  });

/** @param {...string} words */
export async function podman(...words) {
  const { stdout } = await run('podman', words);
  return stdout.trim();
}

/** @param {string} service of docker-compose.yml */
export const container = (service) => `${given('COMPOSE_PROJECT')}-${service}-1`;

/**
 * Returns a container's first process.
 * @param {string} service
 */
export const processOf = async (service) =>
  Number(await podman('inspect', '--format', '{{.State.Pid}}', container(service)));

/**
 * Kills a container's first process, as a crash would, and waits until compose's restart policy has started
 * another one.
 * @param {string} service
 */
export async function crash(service) {
  const before = await processOf(service);
  process.kill(before, 'SIGKILL');
  await until(`${service} is started again`, async () => {
    const now = await processOf(service);
    return now > 0 && now !== before;
  });
}

/**
 * Returns what the kernel says of a container's first process.
 * @param {string} service
 */
export async function kernel(service) {
  const folder = `/proc/${await processOf(service)}`;
  const status = await readFile(`${folder}/status`, 'utf8');
  const mounts = await readFile(`${folder}/mounts`, 'utf8');
  const field = (/** @type {string} */ name) => new RegExp(`^${name}:\\s+(\\S+)`, 'm').exec(status)?.[1];
  const root = mounts.split('\n').map((line) => line.split(' ')).find(([, where]) => where === '/');
  return {
    user: Number(field('Uid')),
    capabilities: field('CapEff'),
    newPrivileges: field('NoNewPrivs') === '0',
    readOnly: root?.[3]?.split(',').includes('ro'),
  };
}

/**
 * Asks Prometheus.
 * @param {string} path
 */
export async function prometheus(path) {
  const answer = await fetch(`${given('PROMETHEUS_URL')}/api/v1/${path}`);
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return (await answer.json()).data;
}
