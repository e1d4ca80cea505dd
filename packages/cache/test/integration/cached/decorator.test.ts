import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createCache } from '@spillway/cache';
import { cached } from '@spillway/cache/cached';
import { afterEach, expect, test } from 'vitest';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../../../../', import.meta.url));
const source = fileURLToPath(new URL('../../support/decorated/orders.ts', import.meta.url));

// Below node_modules, where the packages are found and nobody looks for sources.
const below = join(root, 'node_modules/.cache');
mkdirSync(below, { recursive: true });
const folder = mkdtempSync(join(below, 'spillway-decorator-'));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('@cached caches methods as TypeScript compiles it', async () => {
  // Types are checked with all others; here only the output counts.
  const settings = [
    '--ignoreConfig',
    '--noCheck',
    '--noResolve',
    '--target',
    'es2024',
    '--module',
    'nodenext',
    '--rootDir',
    dirname(source),
  ];
  await run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), ...settings, '--outDir', folder, source]);
  const { stdout } = await run(process.execPath, ['--conditions=spillway-source', join(folder, 'orders.js')]);
  expect(JSON.parse(stdout)).toEqual({
    answers: [
      'a 1 call 1',
      'a 1 call 1',
      'b 1 call 2',
      'EUR call 3',
      'EUR call 3',
      'Orders call 4',
      'Orders call 4',
      'a 1 call 5',
      'b 1 call 2',
    ],
    name: 'find',
    isShared: true,
  });
});

test('as a decorator of the old kind, on something else, or without a key, it says what to do', () => {
  const cache = createCache<unknown>({ name: 'old', ttl: '1m', loads: { concurrent: 1, queued: 1 } });
  const decorate = cached({ cache }) as (...args: unknown[]) => unknown;
  const remedy =
    '@cached is a standard decorator for methods; put it on a method, and leave `experimentalDecorators` out';
  expect(() => decorate({}, 'find', { value: () => 1 })).toThrow(remedy);
  expect(() => decorate(undefined, { kind: 'field', name: 'find' })).toThrow(remedy);
  expect(() => decorate(async () => 1, { kind: 'method', name: 'find', static: false })).toThrow(
    '@cached on find() needs a key: two objects may answer differently',
  );
});
