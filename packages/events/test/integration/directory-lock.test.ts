import { readdirSync } from 'node:fs';
import { temporaryDirectory, until } from '@spillway/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { DirectoryLockedError, lockDirectory } from '../../src/index.ts';
import { spawnChild } from '../support/spawn-child.ts';

function isFree(path: string): boolean {
  try {
    lockDirectory(path).release();
    return true;
  } catch (error) {
    expect(error).toBeInstanceOf(DirectoryLockedError);
    return false;
  }
}

test('a lock is its process’s: kept while that is stopped, free the moment it is killed', async () => {
  const directory = temporaryDirectory({ name: 'lock' });
  onTestFinished(() => directory.close());
  const child = await spawnChild({ name: 'holder', role: 'lock', directory: directory.path });
  onTestFinished(() => child.close());
  expect(() => lockDirectory(directory.path)).toThrow(`"${directory.path}" is in use by process ${child.pid}; stop it`);
  child.pause();
  expect(isFree(directory.path)).toBe(false);
  child.resume();
  await child.kill();
  await until(() => isFree(directory.path));
});

test('of many processes that want a directory at once, one gets it', async () => {
  const directory = temporaryDirectory({ name: 'lock' });
  onTestFinished(() => directory.close());
  const children = await Promise.allSettled(
    Array.from({ length: 6 }, (_, index) =>
      spawnChild({ name: `holder ${index}`, role: 'lock', directory: directory.path }),
    ),
  );
  const ready = children.flatMap((child) => (child.status === 'fulfilled' ? child.value : []));
  onTestFinished(async () => void (await Promise.all(ready.map((child) => child.close()))));
  expect(ready.length).toBe(1);
  const refused = children.flatMap((child) => (child.status === 'rejected' ? String(child.reason) : []));
  for (const reason of refused) expect(reason).toContain('is in use by');
  expect(readdirSync(directory.path).sort()).toEqual(['spillway.lock', 'spillway.pid']);
});
