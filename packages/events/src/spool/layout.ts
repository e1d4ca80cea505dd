import { randomBytes } from 'node:crypto';
import { ConfigurationError } from '@spillway/kernel';

/**
 * `<root>/<log>/<producer>/<epoch>/<first seq>.batches`: one directory per opening of a log, locked while someone alive writes or
 * drains it; the producer's directory is locked by its live owner.
 */

/** The longest a name may be, in bytes of its path form. */
const MAX_NAME = 200;

/**
 * A name as one path component: injective, also where file systems ignore case, and never hidden, `.` or `..`.
 * @throws {ConfigurationError} when it is empty or too long
 */
export function toPathName(what: string, name: string): string {
  const path = Buffer.from(name).reduce(
    (text, byte) => text + (isPlain(byte) ? String.fromCharCode(byte) : `%${byte.toString(16).padStart(2, '0')}`),
    '',
  );
  if (path.length >= 1 && path.length <= MAX_NAME && name.isWellFormed()) return path;
  throw new ConfigurationError(
    `${what} ${JSON.stringify(name)} is ${path === '' ? 'empty' : 'too long or no text'}; give 1 to ${MAX_NAME} plain characters`,
  );
}

// a-z 0-9 - _
const isPlain = (byte: number): boolean =>
  (byte >= 97 && byte <= 122) || (byte >= 48 && byte <= 57) || byte === 45 || byte === 95;

/** The name that `toPathName` was given, or undefined if the component is not one of its own. */
export function fromPathName(path: string): string | undefined {
  try {
    const name = decodeURIComponent(path);
    return path !== '' && toPathName('name', name) === path ? name : undefined;
  } catch {
    return undefined;
  }
}

// 13 hex digits of milliseconds last past the year 10000 and sort as text; 64 random bits tell two openings of one instant apart.
const EPOCH = /^[0-9a-f]{13}-[0-9a-f]{16}$/;

/** A name that was never used and sorts after `others`, even if the clock went back. */
export function newEpoch(nowMs: number, others: readonly string[]): string {
  const last = others
    .filter(isEpoch)
    .reduce((latest, epoch) => Math.max(latest, Number.parseInt(epoch.slice(0, 13), 16)), 0);
  return `${Math.max(nowMs, last + 1)
    .toString(16)
    .padStart(13, '0')}-${randomBytes(8).toString('hex')}`;
}

export const isEpoch = (name: string): boolean => EPOCH.test(name);

const SEGMENT = /^(\d{16})\.batches$/;

export const segmentName = (first: number): string => `${String(first).padStart(16, '0')}.batches`;

/** The seq that a segment file begins with, or undefined for any other file. */
export function segmentFirst(name: string): number | undefined {
  const digits = SEGMENT.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}
