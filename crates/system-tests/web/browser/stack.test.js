// @ts-check
// The same pages on separate services: Redis, RabbitMQ, PostgreSQL, two replicas of each, nginx.

import { after, before, test } from 'node:test';
import { Stack } from '../sockets/stack.js';
import { journey } from './journey.js';
import { browser } from './stage.js';

/** @type {import('playwright-core').Browser} */
let opened;
/** @type {Stack} */
let stack;

before(async () => {
  stack = await Stack.up();
  opened = await browser();
});

after(async () => {
  await opened?.close();
  await stack?.down();
});

test('three fans and an operator, on the whole stack', (t) => journey(opened, stack.site(), t));
