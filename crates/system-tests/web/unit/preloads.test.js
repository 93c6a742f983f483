// @ts-check
// What the pages' heads name is there.

import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';

const PAGES = new URL('../../../pages/', import.meta.url);

/** @param {string} html */
function named(html) {
  const written = html.replace(/\{% for part in \[(.*?)\] %\}(.*?)\{% endfor %\}/gs, (_, parts, each) =>
    parts.split(',').map((/** @type {string} */ part) => each.replaceAll('{{ part }}', part.trim().replaceAll('"', ''))).join(''));
  return [...written.matchAll(/\{\{ assets \}\}\/([\w.-]+)/g)].map(([, name]) => name);
}

for (const page of readdirSync(new URL('html/', PAGES))) {
  test(`what ${page} loads is there`, () => {
    const names = named(readFileSync(new URL(`html/${page}`, PAGES), 'utf8'));
    assert.deepEqual(names.filter((name) => !existsSync(new URL(`web/${name}`, PAGES))), []);
  });
}
