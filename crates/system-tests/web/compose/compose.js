// @ts-check
// docker-compose.yml as it runs: a newcomer's walk, containers that crash, what Prometheus and the collector see,
// and what each container may do. scripts/compose-test starts it.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { journey } from '../browser/journey.js';
import { browser, person, until } from '../browser/stage.js';
import { SERVICES, container, crash, kernel, podman, prometheus, site } from './containers.js';

/** How long a service may take to be back after a crash of anything, in ms. */
const RECOVERY = 90_000;
/** Whatever crashes while people are in line. */
const CRASHED = [...SERVICES, 'front-door', 'redis', 'rabbitmq', 'postgres'];

const sunbeon = site();
/** @type {import('playwright-core').Browser} */
let opened;

before(async () => {
  await until('the demo sales', async () => {
    const answer = await fetch(`${sunbeon.url}/v2/concerts`).catch(() => null);
    return answer?.ok && (await answer.text()).includes('"walk-in"');
  }, 180_000);
  opened = await browser();
});

after(() => opened?.close());

test('a newcomer without a login gets from the front page to a booked seat', async () => {
  const page = await person(opened, sunbeon);
  await page.goto(sunbeon.url);
  await page.getByRole('link', { name: /데모 콘서트/ }).click();
  await page.getByRole('button', { name: 'Take a number' }).click();
  await page.waitForURL(/\/concerts\/demo/);
  await page.getByRole('gridcell', { name: /, free$/ }).first().click();
  await page.getByRole('gridcell', { name: /, yours$/ }).waitFor();
  await page.getByRole('button', { name: /^(Pay|Continue to payment)$/ }).click();
  await page.getByRole('dialog').getByRole('button', { name: /^Pay ₩/ }).click();
  await page.getByRole('heading', { name: 'You’re booked' }).waitFor();
  await page.context().close();
});

test('three fans and an operator, through the two doors', (t) => journey(opened, sunbeon, t));

test('whatever crashes, everybody keeps their place and is let in, in order', async (t) => {
  const id = `crash-${Date.now()}`;
  const fans = Array.from({ length: 3 * CRASHED.length }, (_, n) => `fan-${n}-${id}`);
  await sunbeon.sell({ concertId: id, title: 'Crash', mode: 'queue', autoOpen: false });
  /** @type {Map<string, number>} */
  const numbers = new Map();
  for (const fan of fans) {
    const { status, body } = await sunbeon.member(fan, 'POST', '/v2/waiting-room/enter', { concertId: id });
    assert.equal(status, 201, JSON.stringify(body));
    numbers.set(fan, body.data.entryNumber);
  }
  /** @param {string} fan */
  const standing = async (fan) => {
    const { status, body } = await sunbeon.member(fan, 'GET', `/v2/waiting-room/status/${id}`);
    assert.equal(status, 200, `${fan}: ${JSON.stringify(body)}`);
    return body.data;
  };
  let inside = 0;
  for (const service of CRASHED) {
    await t.test(service, async () => {
      await crash(service);
      const before = inside;
      await until('three more are called', async () => {
        const path = `/v2/reservation/open/${id}?batchSize=3`;
        const key = { 'Idempotency-Key': `${id}-${service}` };
        return sunbeon.operator('POST', path, undefined, key).catch(() => null);
      }, RECOVERY);
      inside += 3;
      await until('they know', async () => {
        const { status, body } = await sunbeon
          .member(fans[inside - 1] ?? '', 'GET', `/v2/waiting-room/status/${id}`)
          .catch(() => ({ status: 0, body: null }));
        return status === 200 && body.data.status === 'READY';
      }, RECOVERY);
      for (const [place, fan] of fans.entries()) {
        const { status, entryNumber, queueNumber } = await standing(fan);
        assert.equal(entryNumber, numbers.get(fan), `${fan} has another number after ${before} were inside`);
        assert.equal(status, place < inside ? 'READY' : 'WAITING', fan);
        if (place >= inside) assert.equal(queueNumber, place - inside + 1, fan);
      }
    });
  }
  const line = await sunbeon.operator('GET', `/v2/waiting-room/admin/${id}`);
  assert.equal(line.totals.admitted, fans.length);
  assert.equal(line.addsUp, true);
  await until('Prometheus has counted them', async () => {
    const query = encodeURIComponent(`sum(max by (by) (sunbeon_admitted_total{concert="${id}"}))`);
    const { result } = await prometheus(`query?query=${query}`);
    return Number(result[0]?.value[1]) === fans.length;
  });
});

test('Prometheus scrapes everything, and no alert says that members are lost', async () => {
  const jobs = await until('every target is up', async () => {
    const { activeTargets } = await prometheus('targets?state=active');
    const up = activeTargets.every((/** @type {{ health: string }} */ target) => target.health === 'up');
    return up && activeTargets.map((/** @type {{ labels: { job: string, service?: string } }} */ { labels }) =>
      labels.service ?? labels.job);
  });
  assert.deepEqual([...new Set(jobs)].sort(), [...SERVICES, 'rabbitmq', 'rabbitmq-queues', 'redis'].sort());
  const { groups } = await prometheus('rules?type=alert');
  const rules = groups.flatMap((/** @type {{ rules: object[] }} */ group) => group.rules);
  assert.ok(rules.length > 0, 'no alerts are loaded');
  for (const { name, health, lastError, state } of rules) {
    assert.equal(health, 'ok', `${name}: ${lastError}`);
    if (/Lost|OverCap/.test(name)) assert.equal(state, 'inactive', name);
  }
});

test('an opening and its messages are one trace, sent to the collector by both services', async () => {
  await until('reservation-open and entry-consumer have spans of one trace', async () => {
    const lines = (await podman('logs', container('otel-collector'))).split('\n');
    const spans = lines.filter(Boolean).map((line) => JSON.parse(line));
    const traces = new Map();
    for (const { service, trace } of spans) traces.set(trace, (traces.get(trace) ?? new Set()).add(service));
    return [...traces.values()].some((of) => of.has('reservation-open') && of.has('entry-consumer'));
  });
});

test('every service is healthy, not root, on a read-only root, and can gain nothing', async (t) => {
  for (const service of [...SERVICES, 'front-door', 'prometheus']) {
    await t.test(service, async () => {
      await podman('healthcheck', 'run', container(service));
      const { user, ...rest } = await kernel(service);
      assert.ok(user > 0, 'it is root');
      if (SERVICES.includes(service)) assert.equal(user, 65_532);
      assert.deepEqual(rest, { capabilities: '0000000000000000', newPrivileges: false, readOnly: true });
    });
  }
  for (const server of ['redis', 'rabbitmq', 'postgres']) {
    await t.test(server, () => podman('healthcheck', 'run', container(server)));
  }
});

test('a service told to stop drains and ends with 0', async () => {
  await podman('stop', container('token'));
  assert.equal(await podman('inspect', '--format', '{{.State.ExitCode}}', container('token')), '0');
  await podman('start', container('token'));
});
