// @ts-check
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { advanced, Sunbeon, SunbeonError } from '../../../pages/web/sunbeon.js';
import { line, told, waiting } from './states.js';

/**
 * A server that answers by path, and remembers what it was asked.
 * @param {Record<string, (request: Request) => [number, any] | [number, any, Record<string, string>]>} routes
 */
function server(routes) {
  /** @type {Request[]} */
  const asked = [];
  /** @type {typeof globalThis.fetch} */
  const fetch = async (input, init) => {
    const request = new Request(new URL(String(input), 'http://sunbeon.test'), init);
    asked.push(request);
    const path = new URL(request.url).pathname;
    const route = Object.entries(routes).find(([prefix]) => path.startsWith(prefix));
    if (!route) throw new TypeError(`nothing at ${path}`);
    const [status, body, headers] = route[1](request);
    return Response.json(body, { status, headers });
  };
  return { fetch, asked, times: (/** @type {string} */ path) => asked.filter(({ url }) => url.includes(path)).length };
}

/** @param {any} data */
const ok = (data) => /** @type {[number, any]} */ ([200, { message: '', data, status: 200 }]);
/**
 * @param {number} status
 * @param {string} code
 * @param {any} [data]
 */
const refused = (status, code, data) =>
  /** @type {[number, any]} */ ([status, { message: code, code, status, data }]);

/**
 * Waits until something holds.
 * @param {() => unknown} holds
 */
async function until(holds) {
  for (let tries = 0; !holds(); tries += 1) {
    assert.ok(tries < 1000, 'it does not come to hold');
    await new Promise((later) => setTimeout(later, 10));
  }
}

test('a place advances by what was taken since, and never falls behind', () => {
  const mine = waiting({ queueNumber: 50, taken: 100 });
  assert.equal(advanced(mine, line({ taken: 120 }))?.queueNumber, 30);
  assert.equal(advanced(mine, line({ taken: 90 }))?.queueNumber, 50);
  assert.equal(advanced(mine, line({ taken: 90 }))?.taken, 100);
  assert.equal(advanced(mine, line({ taken: 900 }))?.queueNumber, 1);
});

test('who may have been called is told nothing by the line', () => {
  const mine = waiting({ entryNumber: 7 });
  assert.equal(advanced(mine, line({ front: 8 })), undefined);
  assert.equal(advanced(mine, line({ front: undefined })), undefined);
  assert.ok(advanced(mine, line({ front: 7 })));
});

test('joining twice returns the same place', async () => {
  const standing = waiting({ pass: 'a pass' });
  const { fetch, asked } = server({
    '/v2/waiting-room/enter': () => refused(409, 'ALREADY_IN_QUEUE', standing),
    '/v2/waiting-room/status/': () => ok(standing),
  });
  const client = new Sunbeon({ fetch });
  assert.deepEqual(await client.join('winter'), standing);
  await client.status('winter');
  assert.equal(asked[1]?.headers.get('X-Queue-Pass'), 'a pass');
  assert.equal(asked[1]?.headers.get('Authorization'), null);
});

test('a refusal has the code, the wait and the data of the API', async () => {
  const { fetch } = server({
    '/v2/waiting-room/enter': () => [
      429,
      { message: 'slower', code: 'TOO_MANY_REQUESTS', status: 429 },
      { 'Retry-After': '7' },
    ],
  });
  const failed = await new Sunbeon({ fetch }).join('winter').catch((error) => error);
  assert.ok(failed instanceof SunbeonError);
  assert.deepEqual([failed.code, failed.status, failed.retryAfterMs], ['TOO_MANY_REQUESTS', 429, 7000]);
  const silent = await new Sunbeon({ fetch }).line('winter').catch((error) => error);
  assert.equal(silent.code, 'OFFLINE');
});

test('with an access token no cookie is needed, and the booking token goes with requests to the shop', async () => {
  const { fetch, asked } = server({
    '/v2/reservation/token/': () => ok({ token: 'booking', expiresAt: '' }),
    '/seats': () => ok({}),
  });
  const client = new Sunbeon({ fetch, token: async () => 'access' });
  await client.claim('winter');
  await client.fetch('winter', 'http://sunbeon.test/seats', { headers: { 'X-Mine': '1' } });
  const [claim, seats] = asked;
  assert.equal(claim?.headers.get('Authorization'), 'Bearer access');
  assert.equal(claim?.credentials, 'omit');
  assert.equal(seats?.headers.get('X-Queue-Token'), 'booking');
  assert.equal(seats?.headers.get('X-Mine'), '1');
});

test('a shop that wants a booking token sends the visitor to the line', async () => {
  const { fetch } = server({
    '/seats': () => refused(403, 'QUEUE_TOKEN_REQUIRED', { waitingPage: '/waiting-room/winter' }),
    '/other': () => refused(403, 'FORBIDDEN'),
  });
  /** @type {string[]} */
  const sent = [];
  const client = new Sunbeon({ fetch, toTheLine: (page) => sent.push(page) });
  const answer = await client.fetch('winter', 'http://sunbeon.test/seats');
  assert.equal((await answer.json()).code, 'QUEUE_TOKEN_REQUIRED');
  await client.fetch('winter', 'http://sunbeon.test/other');
  assert.deepEqual(sent, ['/waiting-room/winter']);
});

test('far from the front, polls ask only for the line until a sign of life is due', async () => {
  const first = waiting({ pollAfterMs: 20 });
  let taken = 3800;
  const { fetch, times } = server({
    '/v2/waiting-room/snapshot/': () => ok(line({ taken: (taken += 10) })),
    '/v2/waiting-room/status/': () => ok(first),
  });
  /** @type {number[]} */
  const numbers = [];
  const client = new Sunbeon({ fetch });
  const watch = client.watch(
    'winter',
    { standing: ({ queueNumber }) => numbers.push(queueNumber ?? 0) },
    { line: line(), standing: first },
  );
  await until(() => numbers.length > 3);
  watch.stop();
  assert.equal(times('/status/'), 0);
  assert.deepEqual(numbers.slice(0, 3), [1274, 1264, 1254]);
});

test('near the front, and once the front has passed, every poll asks for the own standing', async () => {
  for (const [front, queueNumber] of [[1, 40], [undefined, 1284]]) {
    const first = waiting({ pollAfterMs: 20, queueNumber });
    const { fetch, times } = server({
      '/v2/waiting-room/snapshot/': () => ok(line({ front })),
      '/v2/waiting-room/status/': () => ok(told({ status: 'READY', canEnter: true })),
    });
    let called = false;
    const client = new Sunbeon({ fetch });
    const watch = client.watch(
      'winter',
      { standing: ({ status }) => (called ||= status === 'READY') },
      { line: line(), standing: first },
    );
    await until(() => called);
    watch.stop();
    assert.equal(times('/status/'), 1);
  }
});

test('after three failures the place is not shown as fresh, and the watch goes on', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  let works = false;
  const { fetch } = server({
    '/v2/waiting-room/snapshot/': () => (works ? ok(line()) : refused(503, 'STORE_DOWN')),
    '/v2/waiting-room/status/': () => ok(waiting()),
  });
  /** @type {string[]} */
  const links = [];
  const watch = new Sunbeon({ fetch }).watch('winter', { link: (link) => links.push(link) });
  const pass = async () => {
    for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
    context.mock.timers.tick(60_000);
  };
  for (let polls = 0; polls < 5; polls += 1) await pass();
  works = true;
  await pass();
  await pass();
  watch.stop();
  assert.deepEqual(links, ['retrying', 'lost', 'polling']);
});

test('a login that has ended is told as such', async () => {
  const { fetch } = server({
    '/v2/waiting-room/snapshot/': () => ok(line()),
    '/v2/waiting-room/status/': () => refused(401, 'UNAUTHENTICATED'),
  });
  /** @type {string[]} */
  const links = [];
  const watch = new Sunbeon({ fetch }).watch('winter', { link: (link) => links.push(link) });
  await until(() => links.length);
  watch.stop();
  assert.deepEqual(links, ['signed-out']);
});

/** A socket of the test: what it is told to emit, it hears. */
function fakeSocket() {
  /** @type {Record<string, (value?: any) => void>} */
  const on = {};
  /** @type {any[][]} */
  const sent = [];
  let closed = false;
  return {
    sent,
    hear: (/** @type {string} */ event, /** @type {any} */ value) => on[event]?.(value),
    isClosed: () => closed,
    on: (/** @type {string} */ event, /** @type {any} */ listener) => (on[event] = listener),
    emit: (/** @type {any[]} */ ...values) => sent.push(values),
    disconnect: () => (closed = true),
  };
}

test('a joined socket tells the place, and polls stop until it is gone', async () => {
  const { fetch, times } = server({
    '/v2/waiting-room/snapshot/': () => ok(line()),
    '/v2/waiting-room/status/': () => ok(waiting({ pollAfterMs: 20 })),
  });
  const socket = fakeSocket();
  /** @type {string[]} */
  const heard = [];
  const client = new Sunbeon({ fetch, io: () => socket, base: 'http://sunbeon.test' });
  const watch = client.watch(
    'winter',
    {
      standing: ({ status, queueNumber }) => heard.push(`${status} ${queueNumber}`),
      link: (link) => heard.push(link),
    },
    { line: line(), standing: waiting({ pollAfterMs: 60_000 }) },
  );
  await until(() => socket.sent.length === 0 && socket.hear);
  await new Promise(setImmediate);
  socket.hear('connect', undefined);
  const [event, body, joined] = socket.sent[0] ?? [];
  assert.deepEqual([event, body], ['join:queue', { concertId: 'winter' }]);
  joined({ ok: true, standing: waiting({ queueNumber: 900 }) });
  socket.hear('queue:position', { concertId: 'other', standing: waiting({ queueNumber: 1 }) });
  socket.hear('queue:line', line({ taken: 3900 }));
  socket.hear('queue:admitted', { concertId: 'winter', standing: told({ status: 'READY' }) });
  assert.deepEqual(heard, ['live', 'WAITING 900', 'WAITING 800', 'READY undefined']);
  assert.equal(times('/v2/'), 0);
  socket.hear('disconnect', undefined);
  await until(() => times('/status/') > 0);
  watch.stop();
  assert.ok(socket.isClosed());
});

test('a socket that refuses to join leaves the watch to polls', async () => {
  const { fetch, times } = server({
    '/v2/waiting-room/snapshot/': () => ok(line()),
    '/v2/waiting-room/status/': () => ok(waiting({ pollAfterMs: 10, queueNumber: 5 })),
  });
  const socket = fakeSocket();
  const client = new Sunbeon({ fetch, io: Promise.resolve(() => socket), base: 'http://sunbeon.test' });
  const watch = client.watch('winter', {});
  await new Promise((later) => setTimeout(later, 20));
  socket.hear('connect', undefined);
  socket.sent[0]?.[2]({ ok: false, code: 'UNAUTHENTICATED' });
  await until(() => times('/status/') > 2);
  watch.stop();
});

test('a place is not lowered twice by those who were taken, whichever replica tells', async (context) => {
  // The line is told by a replica that has seen ten more taken than the one that tells the standing.
  let taken = 100;
  const places = [];
  const { fetch } = server({
    '/v2/waiting-room/snapshot/': () => ok(line({ taken: (taken = Math.min(140, taken + 10)) })),
    '/v2/waiting-room/status/': () =>
      ok(waiting({ queueNumber: 160 - taken, taken: taken - 10, pollAfterMs: 1 })),
  });
  const watch = new Sunbeon({ fetch }).watch('winter', {
    standing: ({ queueNumber }) => places.push(queueNumber ?? 0),
  });
  context.after(() => watch.stop());
  await until(() => places.length > 10);
  // Of 150, 140 were taken.
  assert.equal(Math.min(...places), 10, `${places}`);
});

test('a token that cannot be had for once, or a watcher that fails, ends no watch', async (context) => {
  let [had, heard] = [0, 0];
  const reported = [];
  Object.assign(globalThis, { reportError: (/** @type {Error} */ error) => reported.push(error.message) });
  context.after(() => Reflect.deleteProperty(globalThis, 'reportError'));
  const { fetch } = server({
    '/v2/waiting-room/snapshot/': () => ok(line()),
    '/v2/waiting-room/status/': () => ok(waiting({ queueNumber: 3, pollAfterMs: 1 })),
  });
  const token = async () => {
    had += 1;
    if (had === 1) throw new Error('no network');
    return 'token';
  };
  const watch = new Sunbeon({ fetch, token }).watch('winter', {
    standing: () => {
      heard += 1;
      if (heard === 1) throw new Error('the page');
    },
  });
  context.after(() => watch.stop());
  await until(() => had > 1 || (watch.refresh(), false));
  await until(() => heard > 1 || (watch.refresh(), false));
  assert.deepEqual(reported, ['the page']);
});

for (const [wait, told] of /** @type {const} */ ([
  ['a standing whose pause is beyond all timers', { pollAfterMs: 1e12 }],
  ['a standing whose pause is a word', { pollAfterMs: 'x' }],
  ['a standing without any pause', { pollAfterMs: 0 }],
  ['a standing whose pause is over', { pollAfterMs: -1000 }],
  ['a refusal that lasts beyond all timers', undefined],
])) {
  test(`no answer makes a watch hammer the server: ${wait}`, async (context) => {
    const { fetch, times } = server({
      '/v2/waiting-room/snapshot/': () =>
        told ? ok(line()) : [503, { code: 'STORE_DOWN' }, { 'Retry-After': '9999999' }],
      '/v2/waiting-room/status/': () => ok(waiting(/** @type {any} */ ({ ...told, queueNumber: 3 }))),
    });
    const watch = new Sunbeon({ fetch }).watch('winter', {});
    context.after(() => watch.stop());
    await until(() => times('/snapshot/') > 0);
    await new Promise((later) => setTimeout(later, 1200));
    assert.ok(times('/snapshot/') <= 3, `${times('/snapshot/')} polls`);
  });
}

test('a pause that the server asks for ends after ten minutes', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const { fetch, times } = server({
    '/v2/waiting-room/snapshot/': () => [503, { code: 'STORE_DOWN' }, { 'Retry-After': '9999999' }],
  });
  const watch = new Sunbeon({ fetch }).watch('winter', {});
  context.after(() => watch.stop());
  const pass = async (/** @type {number} */ ms) => {
    for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
    context.mock.timers.tick(ms);
    for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
  };
  await pass(500_000);
  assert.equal(times('/snapshot/'), 1);
  await pass(200_000);
  assert.equal(times('/snapshot/'), 2);
});

test('an answer that is none of Sunbeon\'s is a failure with a code', async () => {
  for (const [status, body] of /** @type {[number, any][]} */ ([
    [200, null],
    [500, null],
    [200, { data: 'x' }],
    [200, { data: [] }],
    [200, []],
    [409, { code: 'ALREADY_IN_QUEUE', data: 'x' }],
    [502, { code: 7, message: {} }],
  ])) {
    const { fetch } = server({ '/v2/': () => [status, body] });
    const client = new Sunbeon({ fetch });
    for (const ask of /** @type {const} */ (['join', 'status', 'claim', 'line', 'guest'])) {
      const failed = await client[ask]('winter').catch((error) => error);
      assert.ok(failed instanceof SunbeonError, `${ask} of ${JSON.stringify(body)}: ${failed}`);
      assert.equal(failed.status, status);
      assert.equal(failed.code, body?.code === 'ALREADY_IN_QUEUE' ? body.code : 'UNKNOWN');
    }
    /** @type {string[]} */
    const links = [];
    const watch = client.watch('winter', { link: (link) => links.push(link) });
    await until(() => links.length);
    watch.stop();
    assert.deepEqual(links, ['retrying'], JSON.stringify(body));
  }
});

test('only Sunbeon says that there is no such concert, not a proxy in front of it', async () => {
  for (const [body, link] of [
    [undefined, 'retrying'],
    [{ code: 'CONCERT_NOT_FOUND' }, 'gone'],
  ]) {
    const page = () => new Response('<h1>404</h1>', { status: 404, headers: { 'Content-Type': 'text/html' } });
    const fetch = async () => (body ? Response.json(body, { status: 404 }) : page());
    /** @type {string[]} */
    const links = [];
    const watch = new Sunbeon({ fetch }).watch('winter', { link: (link) => links.push(link) });
    await until(() => links.length);
    watch.stop();
    assert.deepEqual(links, [link]);
  }
});

test('a watch that is stopped by its own watcher asks nothing more', async () => {
  const { fetch, times } = server({
    '/v2/waiting-room/snapshot/': () => ok(line()),
    '/v2/waiting-room/status/': () => ok(waiting()),
  });
  let stopped = false;
  const watch = new Sunbeon({ fetch }).watch('winter', {
    line: () => {
      watch.stop();
      stopped = true;
    },
  });
  await until(() => stopped);
  for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
  assert.equal(times('/status/'), 0);
});

test('a request to the shop keeps its own credentials', async () => {
  /** @type {Request[]} */
  const asked = [];
  /** @type {typeof globalThis.fetch} */
  const fetch = async (input, init) => {
    asked.push(new Request(input, init));
    return Response.json({});
  };
  const client = new Sunbeon({ fetch, token: 'access' });
  await client.fetch('winter', new Request('http://sunbeon.test/seats', { credentials: 'include' }));
  await client.fetch('winter', 'http://sunbeon.test/seats', { credentials: 'omit' });
  await client.fetch('winter', 'http://sunbeon.test/seats');
  assert.deepEqual(
    asked.map(({ credentials }) => credentials),
    ['include', 'omit', 'same-origin'],
  );
  assert.equal(asked[0]?.headers.get('Authorization'), 'Bearer access');
});

test('an access token that no header can carry is refused as one', async () => {
  const { fetch, asked } = server({});
  const client = new Sunbeon({ fetch, token: 'a\nb' });
  for (const ask of [() => client.status('winter'), () => client.fetch('winter', 'http://sunbeon.test/seats')]) {
    const failed = await ask().catch((error) => error);
    assert.ok(failed instanceof SunbeonError, `${failed}`);
    assert.deepEqual([failed.code, failed.status], ['UNAUTHENTICATED', 401]);
  }
  assert.equal(asked.length, 0);
});
