import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { ConfigurationError, SpillwayError } from '@spillway/kernel';

export interface DirectoryLock {
  readonly path: string;
  /** Frees the lock; `remove` also deletes its file, for a directory that is about to go. Idempotent. */
  release(options?: { readonly remove?: boolean }): void;
}

/** Somebody alive holds the directory. */
export class DirectoryLockedError extends SpillwayError {
  override readonly name = 'DirectoryLockedError';
  readonly code = 'SPILLWAY_DIRECTORY_LOCKED';
  readonly retryable = true;
  readonly path: string;
  /** The holder's process id, where it could be read. */
  readonly pid: number | undefined;

  constructor(path: string, pid: number | undefined) {
    const who = pid === undefined ? 'another process' : pid === process.pid ? 'this process' : `process ${pid}`;
    super(`"${path}" is in use by ${who}; stop it, or choose another directory`);
    this.path = path;
    this.pid = pid;
  }
}

const SQLITE_BUSY = 5;

/**
 * Locks held by this process, so that a second try never touches the file; and that a lock of which nobody keeps hold does not end when
 * its database is collected as garbage.
 */
const held = new Map<string, DatabaseSync>();

/**
 * An exclusive lock on a directory, made if absent, which the kernel frees when the process dies, however it dies.
 *
 * Node has no file locks of its own, but SQLite takes one: an open exclusive transaction on an empty database file. Nothing is written to
 * it, so a full disk is no obstacle. POSIX drops a process's locks on a file when *any* descriptor of it is closed:
 * nothing else may open `spillway.lock`.
 *
 * @throws {DirectoryLockedError} when it is held, be it by this process
 * @throws {ConfigurationError} when there can be no such directory, or it can not be written to
 */
export function lockDirectory(path: string): DirectoryLock {
  const directory = resolve(path);
  const file = join(directory, 'spillway.lock');
  const pidFile = join(directory, 'spillway.pid');
  if (held.has(file)) throw new DirectoryLockedError(directory, process.pid);
  const database = lockFile(directory, file);
  if (database === undefined) throw new DirectoryLockedError(directory, readPid(pidFile));
  held.set(file, database);
  // For the message that another process shows; the lock holds without it.
  attempt(() => writeFileSync(pidFile, String(process.pid)));
  let released = false;
  return {
    path: directory,
    release({ remove = false } = {}) {
      if (released) return;
      released = true;
      held.delete(file);
      attempt(() => rmSync(pidFile, { force: true }));
      // Deleted while held: whoever opened it meanwhile sees that it is not the file of that name any more.
      if (remove) attempt(() => rmSync(file, { force: true }));
      database.close();
    },
  };
}

/** Undefined when it is held. */
function lockFile(directory: string, file: string): DatabaseSync | undefined {
  for (let tries = 0; tries < 20; tries += 1) {
    const before = inode(file);
    let database: DatabaseSync | undefined;
    try {
      // Each time: who drained it to the end may be removing it right now.
      mkdirSync(directory, { recursive: true });
      database = new DatabaseSync(file);
      // A journal in memory: there must be no second file to clean up.
      database.exec('PRAGMA journal_mode = MEMORY; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
    } catch (error) {
      database?.close();
      if (isBusy(error)) return undefined;
      if (existsSync(directory) || tries > 3) throw unusable(directory, error);
      continue;
    }
    // A former holder may have deleted the file between our opening and our locking it: then we hold a file without a name.
    if (before !== undefined && before === inode(file)) return database;
    database.close();
  }
  return undefined;
}

function unusable(directory: string, error: unknown): ConfigurationError {
  const why = error instanceof Error ? error.message : String(error);
  return new ConfigurationError(
    `"${directory}" can not be locked (${why}); name a directory that this user may write to`,
  );
}

const inode = (file: string): bigint | undefined => statSync(file, { bigint: true, throwIfNoEntry: false })?.ino;

const isBusy = (error: unknown): boolean =>
  typeof error === 'object' && error !== null && 'errcode' in error && (Number(error.errcode) & 0xff) === SQLITE_BUSY;

function readPid(pidFile: string): number | undefined {
  const pid = Number(attempt(() => readFileSync(pidFile, 'utf8')));
  return Number.isInteger(pid) && pid > 0 ? pid : undefined;
}

function attempt<Value>(work: () => Value): Value | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
