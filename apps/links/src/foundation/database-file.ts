import { accessSync, constants, statfsSync, statSync } from 'node:fs';
import { StartupError } from '../startup-error.ts';

/** The name of the embedded database in `DATA_DIR`. */
const NAME = 'spillway.db';
/** What SQLite keeps beside it while it is open, or after a crash. */
const PARTS = ['', '-wal', '-shm'];

/**
 * SQLite opens a database that it may only read without a word, and refuses the first change.
 * @throws {StartupError} when the file is there and this user may not both read and write it
 */
export function checkDatabaseFile(dataDir: string): void {
  for (const part of PARTS) {
    const file = `${dataDir}/${NAME}${part}`;
    const fault = faultOf(file);
    if (fault !== undefined) {
      throw new StartupError(
        `DATA_DIR: "${file}" can not be used (${fault}); make it a file that this user may read and write, or choose another directory`,
      );
    }
  }
}

function faultOf(file: string): string | undefined {
  try {
    const found = statSync(file, { throwIfNoEntry: false });
    if (found === undefined) return undefined;
    if (!found.isFile()) return 'it is no file';
    accessSync(file, constants.R_OK | constants.W_OK);
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}

/** A failure of the embedded database at the start, as a sentence for people; what is none of its failures stays as it is. */
export function explainEmbedded(error: unknown, dataDir: string): unknown {
  if (error instanceof StartupError) return error;
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (!(cause instanceof Error)) return error;
  const { message } = cause;
  if (isDiskFull(cause, dataDir)) {
    return new StartupError(
      `DATA_DIR: the disk of "${dataDir}" is full (${message}); free some space there, or choose a directory on another disk`,
    );
  }
  const code = resultCode(cause);
  if (code === undefined) return error;
  const remedy = DAMAGED.has(code)
    ? 'it is damaged, or no database: restore it from a backup, or move it away to begin with an empty one'
    : 'look after its disk and its rights, or choose another directory';
  return new StartupError(`DATA_DIR: "${dataDir}/${NAME}" can not be used (${message}); ${remedy}`);
}

const IO_ERROR = 10;
const FULL = 13;
/** CORRUPT, NOTADB. */
const DAMAGED = new Set([11, 26]);
/** What SQLite takes at once for its `-shm` file; when there is not that much, it speaks of an I/O error. */
const LEAST_ROOM = 32_768;

function isDiskFull(error: Error, dataDir: string): boolean {
  if ('code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT')) return true;
  const code = resultCode(error);
  return code === FULL || (code === IO_ERROR && roomIn(dataDir) < LEAST_ROOM);
}

function roomIn(directory: string): number {
  try {
    const { bavail, bsize } = statfsSync(directory);
    return bavail * bsize;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

/** SQLite's primary result code. */
function resultCode(error: Error): number | undefined {
  return 'errcode' in error && typeof error.errcode === 'number' ? error.errcode & 255 : undefined;
}
