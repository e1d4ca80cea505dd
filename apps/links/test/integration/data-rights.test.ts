import { chmodSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryDirectory } from '@spillway/testkit';
import { expect, test } from 'vitest';
import { spillway, startEmbedded } from '../support/spillway.ts';

const rightsOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);

/** Of all that is in it, by path. */
const rightsIn = (directory: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(directory, { recursive: true, encoding: 'utf8' }).map((name) => {
      const path = join(directory, name);
      return [name, `${statSync(path).isDirectory() ? 'd' : '-'}${rightsOf(path)}`];
    }),
  );

test('what a service makes in a new data directory is for its user alone, also while it runs', async () => {
  await using directory = temporaryDirectory({ name: 'rights' });
  const data = join(directory.path, 'deep', 'data');
  await using service = await startEmbedded({ DATA_DIR: data });
  const made = rightsIn(data);
  expect(rightsOf(data)).toBe('700');
  expect(made).toMatchObject({ secret: '-600', 'spillway.db': '-600', 'spillway.db-wal': '-600', spool: 'd700' });
  for (const [name, rights] of Object.entries(made)) expect(rights, name).toMatch(/^(d700|-600)$/);
  await service.process.stop();
});

test('what was there keeps its rights', async () => {
  await using directory = temporaryDirectory({ name: 'rights' });
  const data = join(directory.path, 'data');
  mkdirSync(data);
  chmodSync(data, 0o750);
  expect(await spillway(['migrate'], { env: { DATA_DIR: data } })).toMatchObject({ code: 0 });
  const database = join(data, 'spillway.db');
  expect(rightsOf(database)).toBe('600');
  chmodSync(database, 0o640);
  await using service = await startEmbedded({ DATA_DIR: data });
  expect([rightsOf(data), rightsOf(database), rightsOf(`${database}-wal`)]).toEqual(['750', '640', '640']);
  await service.process.stop();
});
