import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createLimiter, tokenBucket } from '@spillway/limit';
import { rateLimit } from '@spillway/limit/limited';
import { afterEach, expect, test } from 'vitest';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../../../../', import.meta.url));
const source = fileURLToPath(new URL('../../support/decorated/mailer.ts', import.meta.url));

// Below node_modules, where the packages are found and nobody looks for sources.
const cache = join(root, 'node_modules/.cache');
mkdirSync(cache, { recursive: true });
const folder = mkdtempSync(join(cache, 'spillway-decorator-'));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('@rateLimit limits methods as TypeScript compiles it', async () => {
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
  const { stdout } = await run(process.execPath, ['--conditions=spillway-source', join(folder, 'mailer.js')]);
  expect(JSON.parse(stdout)).toEqual({
    outcomes: [
      'ada -> joan x2',
      ['A call of send() was refused by "mails" (exhausted)', 'mails'],
      'grace -> joan x1',
      'Mailer a',
      'Mailer b',
      ['A call of ping() was refused by "mails" (exhausted)', 'mails'],
      'Mailer free',
    ],
    name: 'send',
    isShared: true,
  });
});

test('as a decorator of the old kind, or on something else, it says what to do', () => {
  const policy = tokenBucket({ name: 'p', capacity: 1, refill: { tokens: 1, every: '1s' } });
  const decorate = rateLimit({ limiter: createLimiter({ policy }), key: 'all' }) as (...args: unknown[]) => unknown;
  const remedy =
    '@rateLimit is a standard decorator for methods; put it on a method, and leave `experimentalDecorators` out';
  expect(() => decorate({}, 'send', { value: () => 1 })).toThrow(remedy);
  expect(() => decorate(undefined, { kind: 'field', name: 'send' })).toThrow(remedy);
});
