// @ts-check
// Every event of seeds 001 and 003, told to the client that shops use: over WebSocket and over long polling,
// through nginx, from two addresses, so that it goes through both instances.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, afterEach, before, describe, test } from 'node:test';
import { Page, Stack, from, until } from './stack.js';

/** @type {Stack} */
let stack;
/** @type {Page[]} */
const pages = [];

/** An address whose pages are on the other instance than those of 127.0.0.1. */
let other = '';

before(async () => {
  stack = await Stack.up();
  other = await stack.elsewhere();
});
afterEach(() => {
  for (const opened of pages.splice(0)) opened.close();
});
after(async () => {
  await stack?.down();
});

let tests = 0;
/** The names of people whom no other test knows. */
function people() {
  const test = ++tests;
  const [ann, bob, cho, dan, eve] = ['ann', 'bob', 'cho', 'dan', 'eve'].map((name) => `${name}-${test}`);
  return { ann, bob, cho, dan, eve };
}

/**
 * @param {string} member
 * @param {ConstructorParameters<typeof Page>[1]} options
 */
async function page(member, options) {
  const opened = open({ auth: { token: stack.token(member) }, ...options });
  await opened.connected();
  return opened;
}

/** @param {ConstructorParameters<typeof Page>[1]} options */
function open(options) {
  const opened = new Page(stack.url, options);
  pages.push(opened);
  return opened;
}

for (const transport of /** @type {const} */ (['websocket', 'polling'])) {
  const transports = [transport];
  const here = () => ({ transports, ...from('127.0.0.1') });
  const there = () => ({ transports, ...from(other) });

  describe(`over ${transport} alone`, () => {
    test('a member in line is told where they stand, and their turn nobody else', async () => {
      const who = people();
      const id = await stack.sell({ autoOpen: false });
      for (const one of [who.ann, who.bob]) await stack.enter(id, one);
      const [ann, bob] = [await page(who.ann, here()), await page(who.bob, there())];
      const answer = await ann.ask('join:queue', id);
      assert.equal(answer.ok, true);
      assert.equal(answer.standing.queueNumber, 1);
      bob.socket.emit('join:queue', { concertId: id });
      const told = await bob.hears('queue:position');
      assert.deepEqual(
        [told.concertId, told.position, told.totalWaiting, told.standing.status],
        [id, 2, 2, 'WAITING'],
      );
      assert.ok(told.standing.pass, 'a page that loses its socket polls with it');
      const status = await stack.api('GET', `/v2/waiting-room/status/${id}`, {
        as: who.bob,
        headers: { 'X-Queue-Pass': told.standing.pass },
      });
      assert.deepEqual(Object.keys(status.data).sort(), Object.keys(told.standing).sort());
      const line = await bob.hears('queue:line');
      const shown = await stack.api('GET', `/v2/waiting-room/snapshot/${id}`);
      assert.deepEqual(Object.keys(line).sort(), Object.keys(shown.data).sort());

      await stack.open(id, 1);
      const called = await ann.hears('queue:admitted');
      assert.deepEqual([called.concertId, called.standing.status], [id, 'READY']);
      await bob.hears('queue:position', (data) => data.position === 1);
      await bob.hears('queue:line', (data) => data.taken === 1);
      assert.ok(!bob.told.some(({ event }) => event === 'queue:admitted'));
      assert.ok(!JSON.stringify(bob.told).includes(who.ann));
    });

    test('a socket whose token has expired connects again by itself, with a fresh one', async () => {
      const { ann } = people();
      const id = await stack.sell({ autoOpen: false });
      await stack.enter(id, ann);
      let given = 0;
      const auth = (/** @type {(auth: object) => void} */ give) => {
        given += 1;
        // It is accepted for five seconds more.
        give({ token: stack.token(ann, given === 1 ? -2 : 3600) });
      };
      const opened = open({ auth, ...here() });
      await opened.connected();
      assert.equal((await opened.ask('join:queue', id)).ok, true);
      const first = opened.socket.id;
      /** @type {string[]} */
      const reasons = [];
      opened.socket.on('disconnect', (reason) => reasons.push(reason));
      await until('it is connected anew', () => opened.socket.connected && opened.socket.id !== first);
      assert.deepEqual(reasons, ['parse error']);
      assert.equal(given, 2);
      await opened.hears('session:restored', ({ concerts }) => concerts[0].concertId === id);
    });

    test('whatever is asked at once is answered', async () => {
      const { ann } = people();
      const concerts = await Promise.all(Array.from({ length: 16 }, () => stack.sell({ autoOpen: false })));
      const opened = await page(ann, here());
      const answers = await Promise.all(concerts.map((id) => opened.ask('join:queue', id)));
      assert.deepEqual(
        answers.map(({ ok, standing }) => ok && standing.concertId),
        concerts,
      );
    });

    test('what the operator changes is on every page within two seconds', async () => {
      const who = people();
      const id = await stack.sell({ autoOpen: false });
      const opened = [await page(who.ann, here()), await page(who.bob, there())];
      await opened[0].ask('join:queue', id);
      await opened[1].ask('join:event', id);
      const changed = Date.now();
      await stack.change(id, { notice: '곧 시작합니다', groupSize: 7 });
      for (const one of opened) {
        await one.hears('queue:line', (data) => data.notice === '곧 시작합니다' && data.groupSize === 7);
        const line = one.told.findLast(({ event }) => event === 'queue:line');
        assert.ok(Number(line?.at) - changed < 2_000, `${Number(line?.at) - changed} ms`);
      }
    });

    test('seats and tickets are told as they change, by the names of both seeds', async () => {
      const who = people();
      const id = await stack.sell(
        { mode: 'off' },
        {
          perMemberLimit: 4,
          sections: [{ section: 'R', price: 1000, rows: 1, seatsPerRow: 4 }],
          tickets: [{ ticketId: 'standing', name: '스탠딩', price: 500, quantity: 10 }],
        },
      );
      const [colons, hyphens] = [await page(who.ann, here()), await page(who.bob, there())];
      assert.equal((await colons.ask('join:event', id)).ok, true);
      assert.equal((await hyphens.ask('join-seat-selection', { eventId: id })).line.concertId, id);
      const seatIds = [`${id}.R.1.1`, `${id}.R.1.2`];
      // The gate hears of a new concert's mode a little later.
      await until('the seats are held', async () => {
        const lock = await stack.api('POST', `/v2/seats/lock?concertId=${id}`, {
          as: who.cho,
          body: { seatIds },
        });
        return lock.status === 200;
      });
      const held = (/** @type {any} */ data) => data.concertId === id && data.seatIds.length === 2;
      assert.deepEqual((await colons.hears('seat:selected', held)).seatIds.sort(), seatIds);
      assert.deepEqual((await hyphens.hears('seat-locked', held)).seatIds.sort(), seatIds);
      const free = `/v2/seats/lock?concertId=${id}`;
      await stack.api('DELETE', free, { as: who.cho, body: { seatIds } });
      await colons.hears('seat:released', held);
      await hyphens.hears('seat-released', held);

      const tickets = [{ ticketId: 'standing', quantity: 3 }];
      const body = { tickets };
      const booked = await stack.api('POST', `/v2/bookings?concertId=${id}`, { as: who.cho, body });
      assert.equal(booked.status, 201, JSON.stringify(booked.data));
      const left = (/** @type {any} */ data) =>
        data.ticketTypeId === 'standing' && data.remainingQuantity === 7;
      const told = await colons.hears('ticket:updated', left);
      assert.deepEqual([told.eventId, told.concertId], [id, id]);
      await hyphens.hears('ticket-updated', left);
    });

    test('the older names are answered by the older names', async () => {
      const who = people();
      const id = await stack.sell({ autoOpen: false });
      const dan = await page(who.dan, here());
      // Not before: on connecting nothing is to be restored, by the other names.
      await stack.enter(id, who.dan);
      dan.socket.emit('join-event', { eventId: id });
      dan.socket.emit('join-queue', { eventId: id, userId: who.dan });
      await dan.hears('queue-updated', (data) => data.position === 1);
      await dan.hears('room-info', (data) => data.sockets === 1);
      await stack.open(id, 1);
      await dan.hears('queue-entry-allowed', (data) => data.standing.canEnter);
      assert.ok(!dan.told.some(({ event }) => event.includes(':')));
    });

    test('how many are in a room is told over all instances', async () => {
      const who = people();
      const id = await stack.sell({});
      const [ann, bob] = [await page(who.ann, here()), await page(who.bob, there())];
      await ann.ask('join:event', id);
      await bob.ask('join:event', id);
      for (const one of [ann, bob]) await one.hears('room:info', (data) => data.sockets === 2);
      bob.close();
      await until('one is left', () => {
        const info = ann.told.findLast(({ event }) => event === 'room:info');
        return info?.data.sockets === 1;
      });
    });

    test('who has left a room is told nothing more of it', async () => {
      const who = people();
      const id = await stack.sell({ autoOpen: false });
      const [ann, bob] = [await page(who.ann, here()), await page(who.bob, there())];
      for (const one of [ann, bob]) await one.ask('join:queue', id);
      assert.deepEqual(await ann.ask('leave:queue', id), { ok: true });
      ann.forget();
      await stack.change(id, { notice: 'news' });
      await bob.hears('queue:line', (data) => data.notice === 'news');
      assert.deepEqual(ann.told, []);
    });

    test('a page that comes back has its number', async () => {
      const who = people();
      const id = await stack.sell({ autoOpen: false });
      for (const one of [who.ann, who.bob, who.cho]) await stack.enter(id, one);
      const before = await page(who.bob, here());
      assert.equal((await before.ask('join:queue', id)).standing.queueNumber, 2);
      before.close();
      const again = await page(who.bob, there());
      assert.equal((await again.ask('join:queue', id)).standing.queueNumber, 2);
    });

    test('when its instance is killed a page is on the other one, its place and room restored', async () => {
      const who = people();
      const id = await stack.sell({ autoOpen: false });
      for (const one of [who.ann, who.bob]) await stack.enter(id, one);
      const opened = [await page(who.ann, here()), await page(who.bob, there())];
      for (const one of opened) await one.ask('join:queue', id);
      for (const replica of /** @type {const} */ ([1, 2])) {
        for (const one of opened) one.forget();
        process.kill(stack.pid(replica), 'SIGKILL');
        // Whoever was on it is told everything anew; whoever was not hears of the next change all the same.
        await stack.change(id, { notice: `without ${replica}` });
        for (const one of opened) {
          await one.hears('queue:line', (data) => data.notice === `without ${replica}`, 60_000);
        }
        await stack.dev('up', '--no-build');
      }
      const restored = opened.flatMap(({ told }) => told).filter(({ event }) => event === 'session:restored');
      assert.ok(restored.length > 0);
      for (const { data } of restored) {
        assert.deepEqual(data.concerts.map((/** @type {any} */ it) => it.concertId), [id]);
        assert.equal(data.concerts[0].standing.status, 'WAITING');
      }
      await stack.open(id, 2);
      for (const one of opened) await one.hears('queue:admitted', () => true, 60_000);
    });
  });
}

test('a page that upgrades from polling to WebSocket loses nothing on the way', async () => {
  const who = people();
  const id = await stack.sell({ autoOpen: false });
  await stack.enter(id, who.eve);
  const eve = await page(who.eve, { transports: ['polling', 'websocket'] });
  const answers = await Promise.all(Array.from({ length: 8 }, () => eve.ask('join:queue', id)));
  assert.ok(answers.every(({ ok }) => ok));
  await until('it is upgraded', () => eve.socket.io.engine.transport.name === 'websocket');
  assert.equal((await eve.ask('join:queue', id)).standing.queueNumber, 1);
});

test('nobody is let in without a valid token', async () => {
  for (const [auth, code] of /** @type {const} */ ([
    [undefined, 'UNAUTHENTICATED'],
    [{}, 'UNAUTHENTICATED'],
    [{ token: null }, 'UNAUTHENTICATED'],
    [{ token: 'garbage' }, 'UNAUTHENTICATED'],
    [{ token: stack.token('fay', -60) }, 'UNAUTHENTICATED'],
    [{ token: stack.env.SUNBEON_ADMIN_TOKEN }, 'UNAUTHENTICATED'],
  ])) {
    const refused = open({ auth, transports: ['websocket'] });
    assert.equal(await refused.refused(), code, JSON.stringify(auth));
  }
});

test("a browser is known by its cookie, on the site's own pages alone", async () => {
  const cookie = `sunbeon-access=${stack.token('gil')}`;
  for (const transports of [['websocket'], ['polling']]) {
    const at = (/** @type {string} */ Origin) =>
      open({ transports, extraHeaders: { Cookie: cookie, Origin } });
    const own = at(stack.url);
    await own.connected();
    const other = at('https://elsewhere.example');
    assert.equal(await other.refused(), 'CROSS_SITE');
  }
});

test('a guest has sockets as members have', async () => {
  const id = await stack.sell({ identity: 'guest', autoOpen: false });
  const made = await stack.api('POST', '/v2/waiting-room/guest', { body: { concertId: id } });
  const { token } = made.data;
  const headers = { Authorization: `Bearer ${token}` };
  await stack.api('POST', '/v2/waiting-room/enter', { body: { concertId: id }, headers });
  const guest = open({ auth: { token }, transports: ['websocket'] });
  assert.equal((await guest.ask('join:queue', id)).standing.queueNumber, 1);
});

test('what cannot be done is answered with a code', async () => {
  const hal = await page('hal', { transports: ['websocket'] });
  for (const [event, data, code] of /** @type {const} */ ([
    ['join:queue', 'no such: id', 'INVALID_CONCERT_ID'],
    ['join:queue', {}, 'INVALID_CONCERT_ID'],
    ['join:queue', undefined, 'INVALID_CONCERT_ID'],
    ['join:queue', Buffer.from('demo'), 'INVALID_CONCERT_ID'],
    ['join:queue', 'no-such-concert', 'CONCERT_NOT_FOUND'],
    ['dance', 'demo', 'NOT_FOUND'],
  ])) {
    const answer = await hal.ask(event, data);
    assert.deepEqual([answer.ok, answer.code], [false, code], `${event} ${data}`);
    assert.equal(typeof answer.message, 'string');
  }
});

test('a member has only so many sockets', async () => {
  const all = Array.from({ length: 40 }, () => {
    return open({ auth: { token: stack.token('ivy') }, transports: ['websocket'] });
  });
  const outcomes = await Promise.all(
    all.map((one) => Promise.race([one.refused(), one.connected().then(() => 'in')])),
  );
  assert.ok(outcomes.includes('TOO_MANY_REQUESTS'), `${outcomes}`);
  assert.ok(outcomes.filter((outcome) => outcome === 'in').length >= 16);
});

test('an instance that stops sends its pages to the other one', async () => {
  const who = people();
  const id = await stack.sell({ autoOpen: false });
  const opened = [await page(who.ann, from('127.0.0.1')), await page(who.bob, from(other))];
  for (const one of opened) await one.ask('join:queue', id);
  const reasons = opened.map(({ socket }) => {
    return new Promise((left) => socket.on('disconnect', left));
  });
  const pids = [stack.pid(1), stack.pid(2)];
  for (const pid of pids) process.kill(pid, 'SIGTERM');
  assert.deepEqual(await Promise.all(reasons), ['transport close', 'transport close']);
  await until('both have stopped', () => pids.every((pid) => !existsSync(`/proc/${pid}`)));
  await stack.dev('up', '--no-build');
  for (const one of opened) await one.connected();
});
