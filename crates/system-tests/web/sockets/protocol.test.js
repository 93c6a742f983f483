// @ts-check
// The behaviours that the texts of Engine.IO 4 and Socket.IO 5 ask of a server, packet by packet:
// github.com/socketio/engine.io-protocol and github.com/socketio/socket.io-protocol.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { WebSocket } from 'ws';
import { embedded } from '../browser/stage.js';

const LIMIT = 30_000;
/** @type {import('../browser/stage.js').Site} */
let site;

before(async () => {
  site = await embedded();
  await site.sell({ concertId: 'p', title: '규약' });
});
after(async () => {
  await site?.stop();
});

/**
 * @param {string} query
 * @param {RequestInit} [init]
 */
const ask = (query, init) => fetch(`${site.url}/socket.io/?${query}`, init);
/** @param {string} sid */
const polling = (sid) => `EIO=4&transport=polling&sid=${sid}`;

/** Opens a session by polling and returns its id. */
async function session() {
  const opened = await ask('EIO=4&transport=polling');
  return JSON.parse((await opened.text()).slice(1)).sid;
}

/**
 * @param {string} sid
 * @param {string} packets
 */
const post = (sid, packets) => ask(polling(sid), { method: 'POST', body: packets });
/** @param {string} sid */
const poll = async (sid) => (await ask(polling(sid))).text();

/** Opens a session by polling, answers its first ping, and connects to the main namespace as a member. */
async function member() {
  const sid = await session();
  assert.equal(await poll(sid), '2', 'the first ping comes at once');
  await post(sid, `3\x1e40{"token":"${site.token('raw')}"}`);
  assert.match(await poll(sid), /^40\{"sid":"[^"]+"\}$/);
  return sid;
}

/** A WebSocket with what it was sent. */
class Raw {
  /** @param {string} [query] */
  constructor(query = 'EIO=4&transport=websocket') {
    const url = `${site.url.replace('http', 'ws')}/socket.io/?${query}`;
    this.socket = new WebSocket(url);
    /** @type {string[]} */
    this.got = [];
    /** @type {(() => void)[]} */
    this.waiting = [];
    const wake = () => this.waiting.splice(0).forEach((woken) => woken());
    this.socket.on('message', (data) => {
      this.got.push(String(data));
      wake();
    });
    this.closed = new Promise((closed) => this.socket.on('close', closed));
    this.socket.on('close', wake);
    this.socket.on('error', wake);
  }

  /** The next packet, but for pings if these are answered; `undefined` once it is closed. */
  async next({ answersPings = true } = {}) {
    const end = Date.now() + LIMIT;
    while (Date.now() < end) {
      const packet = this.got.shift();
      if (packet === '2' && answersPings) this.socket.send('3');
      else if (packet !== undefined) return packet;
      else if (this.socket.readyState >= WebSocket.CLOSING) return undefined;
      else await new Promise((woken) => this.waiting.push(() => woken(undefined)));
    }
    throw new Error('nothing came');
  }

  /** Sends a packet. @param {string | Buffer} packet */
  send(packet) {
    this.socket.send(packet);
  }

  static async open() {
    const raw = new Raw();
    assert.match(String(await raw.next()), /^0\{/);
    return raw;
  }

  /** Opened, and connected to the main namespace as a member. */
  static async member() {
    const raw = await Raw.open();
    raw.send(`40{"token":"${site.token('raw')}"}`);
    assert.match(String(await raw.next()), /^40\{"sid":"[^"]+"\}$/);
    return raw;
  }
}

describe('Engine.IO 4', { concurrency: true }, () => {
  test('handshake by long polling', async () => {
    const opened = await ask('EIO=4&transport=polling');
    assert.equal(opened.status, 200);
    const text = await opened.text();
    assert.equal(text[0], '0');
    const hello = JSON.parse(text.slice(1));
    assert.deepEqual(Object.keys(hello).sort(), [
      'maxPayload',
      'pingInterval',
      'pingTimeout',
      'sid',
      'upgrades',
    ]);
    assert.deepEqual(hello.upgrades, ['websocket']);
    assert.deepEqual([hello.pingInterval, hello.pingTimeout], [10_000, 10_000]);
  });

  test('handshake by WebSocket', async () => {
    const raw = new Raw();
    const hello = JSON.parse(String(await raw.next()).slice(1));
    assert.deepEqual(hello.upgrades, []);
    raw.socket.close();
  });

  test('a handshake of another version, by an unknown transport or method is refused', async () => {
    for (const [query, method] of [
      ['EIO=3&transport=polling', 'GET'],
      ['EIO=abc&transport=polling', 'GET'],
      ['transport=polling', 'GET'],
      ['EIO=4', 'GET'],
      ['EIO=4&transport=abc', 'GET'],
      ['EIO=4&transport=polling', 'POST'],
      ['EIO=4&transport=polling', 'PUT'],
    ]) {
      const refused = await ask(query, { method });
      assert.equal(refused.status, 400, `${method} ${query}`);
    }
  });

  test('an unknown session is refused, and its client begins anew', async () => {
    for (const sid of ['abc', 'AAAAAAAAAAAAAAAA']) {
      const refused = await ask(polling(sid));
      assert.equal(refused.status, 400);
      assert.equal((await refused.json()).code, '1');
    }
  });

  test('packets travel by polling, several in one payload', async () => {
    const sid = await member();
    const sent = await post(sid, '421["join:event","p"]\x1e422["dance","p"]');
    assert.deepEqual([sent.status, await sent.text()], [200, 'ok']);
    let got = '';
    while (!got.includes('431[') || !got.includes('432[')) got += await poll(sid);
    assert.ok(got.split('\x1e').length >= 2);
  });

  test('a packet that is none closes the session', async () => {
    const sid = await session();
    assert.equal((await post(sid, 'abc')).status, 400);
    assert.equal((await ask(polling(sid))).status, 400);
    const raw = await Raw.open();
    raw.send('abc');
    await raw.closed;
  });

  test('two polls at a time close the session', async () => {
    const sid = await member();
    const [one, two] = await Promise.all([ask(polling(sid)), ask(polling(sid))]);
    assert.ok([one.status, two.status].includes(400), `${one.status} ${two.status}`);
    assert.equal((await ask(polling(sid))).status, 400);
  });

  test('the server pings, and closes who does not answer in time', async () => {
    const [silent, answering] = [await Raw.member(), await Raw.member()];
    const began = Date.now();
    assert.equal(await silent.next({ answersPings: false }), '2');
    assert.equal(await answering.next({ answersPings: false }), '2');
    answering.send('3');
    await silent.closed;
    const took = Date.now() - began;
    assert.ok(took >= 15_000 && took < 30_000, `${took} ms`);
    assert.equal(answering.socket.readyState, WebSocket.OPEN);
    answering.socket.close();
  });

  test('the server pings by polling, too', async () => {
    const sid = await member();
    assert.equal(await poll(sid), '2');
    assert.equal((await post(sid, '3')).status, 200);
  });

  test('a client closes its session', async () => {
    const sid = await member();
    const waiting = poll(sid);
    await post(sid, '1');
    assert.match(await waiting, /^[16]?$/);
    assert.equal((await ask(polling(sid))).status, 400);
    const raw = await Raw.open();
    raw.send('1');
    await raw.closed;
  });

  test('upgrade from polling to WebSocket', async () => {
    const sid = await member();
    const raw = new Raw(`EIO=4&transport=websocket&sid=${sid}`);
    await new Promise((opened) => raw.socket.on('open', opened));
    raw.send('2probe');
    assert.equal(await raw.next(), '3probe');
    assert.equal(await poll(sid), '6', 'a poll ends with a noop');
    raw.send('5');
    raw.send('427["join:event","p"]');
    let packet = await raw.next();
    while (!packet?.startsWith('437[')) packet = await raw.next();
    assert.equal((await ask(polling(sid))).status, 400, 'it no longer polls');
    raw.socket.close();
  });

  test('a WebSocket that breaks its upgrade off leaves the session to its polls', async () => {
    const sid = await member();
    const raw = new Raw(`EIO=4&transport=websocket&sid=${sid}`);
    await new Promise((opened) => raw.socket.on('open', opened));
    raw.send('2probe');
    raw.send('nonsense');
    await raw.closed;
    const status = (await ask(polling(sid))).status;
    assert.ok([200, 400].includes(status), `${status}`);
  });

  test('a message beyond 16 KiB closes the session', async () => {
    const raw = await Raw.member();
    raw.send(`42["join:event","${'x'.repeat(20_000)}"]`);
    await raw.closed;
    const sid = await session();
    const refused = await post(sid, `42["join:event","${'x'.repeat(20_000)}"]`);
    assert.ok([400, 413].includes(refused.status), `${refused.status}`);
  });
});

describe('Socket.IO 5', { concurrency: true }, () => {
  test('a member connects to the main namespace', async () => {
    (await Raw.member()).socket.close();
  });

  test('a stranger is told why they are not let in', async () => {
    const raw = await Raw.open();
    raw.send('40');
    assert.equal(await raw.next(), '44{"message":"UNAUTHENTICATED"}');
    raw.send(`40{"token":"${site.token('raw')}"}`);
    assert.match(String(await raw.next()), /^40\{/, 'and may try again');
    raw.socket.close();
  });

  test('there is no other namespace', async () => {
    const raw = await Raw.open();
    raw.send('40/admin,{}');
    assert.equal(await raw.next(), '44/admin,{"message":"Invalid namespace"}');
    raw.socket.close();
  });

  test('who connects to no namespace is closed', async () => {
    const raw = await Raw.open();
    const began = Date.now();
    while ((await raw.next()) !== undefined);
    const took = Date.now() - began;
    assert.ok(took >= 8_000 && took < 25_000, `${took} ms`);
  });

  test('a client leaves the namespace and connects again', async () => {
    const raw = await Raw.member();
    raw.send('41');
    // Leaving is not answered, and a connect that overtakes it says nothing.
    const asking = setInterval(() => raw.send(`40{"token":"${site.token('raw')}"}`), 1_000);
    assert.match(String(await raw.next()), /^40\{/);
    clearInterval(asking);
    raw.socket.close();
  });

  test('an event with an id is acknowledged with that id, one without is not', async () => {
    const raw = await Raw.member();
    raw.send('42["dance","p"]');
    raw.send('42456["dance","p"]');
    const answer = String(await raw.next());
    assert.match(answer, /^43456\[\{"ok":false,"code":"NOT_FOUND"/);
    raw.socket.close();
  });

  test('a binary event is read with its attachments', async () => {
    const raw = await Raw.member();
    raw.send('451-9["join:event",{"_placeholder":true,"num":0}]');
    raw.send(Buffer.from([1, 2, 3]));
    assert.match(String(await raw.next()), /^439\[\{"ok":false,"code":"INVALID_CONCERT_ID"/);
    raw.socket.close();
  });

  test('an event without data is answered', async () => {
    const raw = await Raw.member();
    raw.send('423["join:event"]');
    assert.match(String(await raw.next()), /^433\[\{"ok":false,"code":"INVALID_CONCERT_ID"/);
    raw.socket.close();
  });

  test('a packet that is none closes the connection', async () => {
    for (const packet of ['4abc', '49', '42{}', '42["a', '42', '452-["a"]x', '44{}']) {
      const raw = await Raw.member();
      raw.send(packet);
      await Promise.race([
        raw.closed,
        new Promise((_, late) => setTimeout(() => late(new Error(`${packet} does not close`)), LIMIT).unref()),
      ]);
    }
  });

  test('an acknowledgement that nobody asked for is ignored', async () => {
    const raw = await Raw.member();
    raw.send('4399["thanks"]');
    raw.send('421["dance","p"]');
    assert.match(String(await raw.next()), /^431\[/);
    raw.socket.close();
  });
});
