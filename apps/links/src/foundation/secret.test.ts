import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryDirectory } from '@spillway/testkit';
import { expect, test } from 'vitest';
import { keptSecret } from './secret.ts';

test('the secret is made once, for its user alone, and nothing else is left', async () => {
  await using directory = temporaryDirectory({ name: 'secret' });
  const secret = keptSecret(directory.path, { database: 'new' });
  expect(secret).toMatch(/^[0-9a-f]{64}$/);
  expect(keptSecret(directory.path, { database: 'new' })).toBe(secret);
  expect(readdirSync(directory.path)).toEqual(['secret']);
  expect(statSync(join(directory.path, 'secret')).mode & 0o777).toBe(0o600);
});

test('a start that dies while it writes the secret leaves none, and the next one makes it', async () => {
  await using directory = temporaryDirectory({ name: 'secret' });
  const module = new URL('./secret.ts', import.meta.url).href;
  const script = `import { keptSecret } from ${JSON.stringify(module)}; keptSecret(${JSON.stringify(directory.path)}, { database: 'new' })`;
  // No file may grow: the write fails between the making of the file and its first byte.
  const { status } = spawnSync(
    '/bin/sh',
    [
      '-c',
      'ulimit -f 0; exec "$@"',
      'sh',
      process.execPath,
      '--conditions=spillway-source',
      '--input-type=module',
      '-e',
      script,
    ],
    { encoding: 'utf8' },
  );
  expect(status).not.toBe(0);
  expect(readdirSync(directory.path)).not.toContain('secret');
  const secret = keptSecret(directory.path, { database: 'new' });
  expect(readFileSync(join(directory.path, 'secret'), 'utf8')).toBe(`${secret}\n`);
});

test('a secret that is no secret any more is refused, and never replaced', async () => {
  await using directory = temporaryDirectory({ name: 'secret' });
  writeFileSync(join(directory.path, 'secret'), '');
  expect(() => keptSecret(directory.path, { database: 'new' })).toThrow(
    /does not hold a secret any more; restore it from a backup/,
  );
  expect(readFileSync(join(directory.path, 'secret'), 'utf8')).toBe('');
});

test('a secret that is missing beside a database that was used is named as missing, and none is made', async () => {
  await using directory = temporaryDirectory({ name: 'secret' });
  expect(() => keptSecret(directory.path, { database: 'used' })).toThrow(
    /secret" is missing.*; restore it from the backup, or set SPILLWAY_SECRET/,
  );
  expect(readdirSync(directory.path)).toEqual([]);
});
