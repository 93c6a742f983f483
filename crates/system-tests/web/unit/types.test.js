// @ts-check
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';

const HERE = resolve(import.meta.dirname, '..');
const TSC = join(HERE, 'node_modules/typescript/bin/tsc');

test('the types of all scripts of the pages hold', () => {
  execFileSync(process.execPath, [TSC, '-p', 'tsconfig.json'], { cwd: HERE, stdio: 'inherit' });
});

test('sunbeon.d.ts is what sunbeon.js declares (npm run declare)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'declared-'));
  try {
    execFileSync(process.execPath, [TSC, '-p', 'tsconfig.declare.json', '--outDir', folder], { cwd: HERE });
    const [made, kept] = [folder, join(HERE, '../../pages/web')].map((at) =>
      readFileSync(join(at, 'sunbeon.d.ts'), 'utf8'),
    );
    assert.equal(kept, made);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
