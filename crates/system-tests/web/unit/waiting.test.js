// @ts-check
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { leadOf, stateOf } from '../../../pages/web/waiting-state.js';
import { clock, every, fill, group, hours, left, waitOf } from '../../../pages/web/waiting-text.js';
import { inSeconds, line, STATES, told, waiting } from './states.js';

const NOON = 1_763_607_600_000; // 12:00:00 in Seoul
const texts = ['ko', 'en'].map((lang) =>
  JSON.parse(readFileSync(new URL(`../../../pages/text/waiting.${lang}.json`, import.meta.url), 'utf8')),
);

test('a wait is told as a range in one unit', () => {
  // The same rows as in services/waiting-room/src/page/wait.rs.
  for (const [seconds, unit, low, high, time] of /** @type {const} */ ([
    [0, 'soon', 0, 0, ''],
    [9, 'soon', 0, 0, ''],
    [25, 'seconds', 20, 40, ''],
    [89, 'seconds', 80, 120, ''],
    [90, 'minutes', 1, 2, '12:01–12:02'],
    [500, 'minutes', 8, 11, '12:08–12:11'],
    [5399, 'minutes', 89, 113, '13:29–13:53'],
    [5400, 'hours', 3, 4, '13:30–14:00'],
    [36_000, 'hours', 20, 25, '22:00–00:30'],
  ])) {
    assert.deepEqual(waitOf(seconds, NOON, 'Asia/Seoul'), { unit, low, high, clock: time });
  }
});

test('what is left counts down to nothing', () => {
  assert.deepEqual([298_000, 3_898_000, 5_000, 0, -1].map(left), ['4:58', '1:04:58', '0:05', '0:00', '0:00']);
});

test('numbers and times are told in the concert’s own way', () => {
  assert.equal(group(1_284_560), '1,284,560');
  assert.equal(clock(NOON, 'Asia/Seoul'), '12:00');
  assert.equal(clock(NOON + 43_200_000, 'Asia/Seoul'), '00:00');
  assert.equal(fill('{n}명 {other}', { n: 3 }), '3명 {other}');
  assert.deepEqual([45, 90, 60, 1_800].map((seconds) => every(seconds, ['{n} s', '{n} min'])), ['45 s', '90 s', '1 min', '30 min']);
  assert.equal(hours(3, { whole: '{h}시간', half: '{h}시간 30분' }), '1시간 30분');
});

test('every standing has its state, and every state its texts', () => {
  for (const [name, make] of Object.entries(STATES)) {
    const facts = { ...make(), known: true, guest: false };
    const state = stateOf(facts, Date.now());
    assert.ok(name.startsWith(state), `${name}: ${state}`);
    for (const text of texts) {
      assert.ok(text.heading[state] && text.label[state] && text.lead[leadOf(state, facts, Date.now())], name);
    }
  }
});

test('nearly there is who has few in front and little time, not one of them', () => {
  const lead = (/** @type {number} */ queueNumber, /** @type {number | undefined} */ seconds) => {
    const estimatedEnterAt = seconds === undefined ? undefined : inSeconds(seconds);
    const standing = waiting({ queueNumber, estimatedEnterAt });
    return leadOf('waiting', { line: line(), standing, known: true, guest: false }, Date.now());
  };
  assert.equal(lead(3, 60), 'waiting-next');
  assert.equal(lead(3, 7200), 'waiting');
  assert.equal(lead(3, undefined), 'waiting');
  assert.equal(lead(300, 60), 'waiting');
});

test('nobody joins a line of members, and a guest is asked to log in', () => {
  const members = { line: line({ identity: 'member' }), standing: null };
  assert.equal(stateOf({ ...members, known: false, guest: false }, 0), 'sign-in');
  assert.equal(stateOf({ ...members, known: true, guest: true }, 0), 'sign-in');
  assert.equal(stateOf({ ...members, known: true, guest: false }, 0), 'join');
  const full = line({ identity: 'member', full: true });
  assert.equal(stateOf({ line: full, standing: null, known: true, guest: false }, 0), 'full');
  assert.equal(stateOf({ line: full, standing: waiting(), known: true, guest: false }, 0), 'waiting');
});

test('a line opens and a sale begins by the clock', () => {
  const opens = { opensAt: inSeconds(60), bookingStartAt: inSeconds(600) };
  const early = { line: line({ state: 'early', ...opens }), known: true, guest: false };
  assert.equal(stateOf(early, Date.now()), 'early');
  assert.equal(stateOf(early, Date.now() + 61_000), 'join');
  const before = { line: line({ state: 'before', bookingStartAt: inSeconds(60) }), standing: waiting() };
  assert.equal(stateOf({ ...before, known: true, guest: false }, Date.now()), 'before');
  assert.equal(stateOf({ ...before, known: true, guest: false }, Date.now() + 61_000), 'waiting');
});

test('whoever was called is called whatever the line does', () => {
  const ready = told({ status: 'READY' });
  for (const state of /** @type {const} */ (['paused', 'ended', 'open'])) {
    const facts = { line: line({ state, soldOut: true }), standing: ready, known: true, guest: false };
    assert.equal(stateOf(facts, Date.now()), 'called');
  }
});
