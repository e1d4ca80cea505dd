import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigurationError } from '@spillway/kernel';
import { type TemporaryDirectory, temporaryDirectory } from '@spillway/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DirectoryLockedError, lockDirectory } from './directory-lock.ts';

let directory: TemporaryDirectory;
beforeEach(() => {
  directory = temporaryDirectory({ name: 'lock' });
});
afterEach(() => directory.close());

test('a directory is locked once, and free again after release', () => {
  const path = join(directory.path, 'made', 'on demand');
  const lock = lockDirectory(path);
  expect(() => lockDirectory(path)).toThrow(DirectoryLockedError);
  expect(() => lockDirectory(join(path, '..', 'on demand'))).toThrow(`"${path}" is in use by this process`);
  lock.release();
  lock.release();
  lockDirectory(path).release();
});

test('a lock released twice leaves the next holder alone', () => {
  const first = lockDirectory(directory.path);
  first.release();
  const second = lockDirectory(directory.path);
  first.release({ remove: true });
  expect(() => lockDirectory(directory.path)).toThrow(DirectoryLockedError);
  second.release();
});

test('a refused second try does not free the first lock', () => {
  const lock = lockDirectory(directory.path);
  for (let tries = 0; tries < 3; tries += 1) expect(() => lockDirectory(directory.path)).toThrow(DirectoryLockedError);
  lock.release({ remove: true });
  expect(existsSync(join(directory.path, 'spillway.lock'))).toBe(false);
  lockDirectory(directory.path).release();
});

test('the file stays empty, so that a full disk is no obstacle', () => {
  const lock = lockDirectory(directory.path);
  expect(existsSync(join(directory.path, 'spillway.lock-journal'))).toBe(false);
  lock.release();
});

test('a path where no directory can be is named, with the remedy', () => {
  const file = join(directory.path, 'file');
  writeFileSync(file, '');
  expect(() => lockDirectory(join(file, 'below'))).toThrow(ConfigurationError);
  expect(() => lockDirectory(file)).toThrow(`"${file}" can not be locked`);
});
