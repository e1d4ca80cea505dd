import { accessSync, constants, existsSync, mkdirSync, rmdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { StartupError } from '../startup-error.ts';

/**
 * Makes `DATA_DIR`, for this user alone, as is what the process makes from now on: it has keys' hashes, URLs and clicks. What
 * is there already keeps its rights, and SQLite gives its `-wal` those of the database.
 * @throws {StartupError} when it can not be written to
 */
export function prepareDataDir(path: string): void {
  process.umask(0o077);
  try {
    makeDirectory(path, []);
  } catch (error) {
    throw new StartupError(`DATA_DIR: ${sentence(path, error)}`);
  }
}

/** Why `path` can not be `DATA_DIR`; undefined when it can. What had to be made to know is taken away again. */
export function faultOfDataDir(path: string): string | undefined {
  const made: string[] = [];
  try {
    makeDirectory(path, made);
    return undefined;
  } catch (error) {
    return sentence(path, error);
  } finally {
    for (const directory of made.reverse()) removeEmpty(directory);
  }
}

/**
 * One directory at a time: Node's recursive `mkdir` never returns where the parent is there and takes no directories, as in
 * `/proc`.
 */
function makeDirectory(path: string, made: string[]): void {
  const missing: string[] = [];
  for (let next = path; !existsSync(next) && next !== dirname(next); next = dirname(next)) missing.unshift(next);
  for (const directory of missing) {
    try {
      mkdirSync(directory);
      made.push(directory);
    } catch (error) {
      // Another process that starts at the same time was faster.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
  if (!statSync(path).isDirectory()) throw Object.assign(new Error('not a directory'), { code: 'ENOTDIR' });
  accessSync(path, constants.W_OK | constants.X_OK);
}

function removeEmpty(directory: string): void {
  try {
    rmdirSync(directory);
  } catch {
    // Somebody uses it by now.
  }
}

function sentence(path: string, error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  return `"${path}" can not be written to (${code}); make it writable for this user, or choose another directory`;
}
