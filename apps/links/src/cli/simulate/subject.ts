import { createHash } from 'node:crypto';
import { clientKey } from '@spillway/limit';
import { CliError, EXIT } from '../failure.ts';
import type { LogEntry } from '../replay/access-log.ts';

export const SUBJECTS = ['ip', 'path', 'user-agent'] as const;
/** What requests are counted by. */
export type SubjectKind = (typeof SUBJECTS)[number];

/** @throws {CliError} when it is none of them */
export function parseSubjectKind(text: string): SubjectKind {
  const found = SUBJECTS.find((kind) => kind === text);
  if (found !== undefined) return found;
  throw new CliError(`--by must be one of ${SUBJECTS.join(', ')}, got "${text}"`, { exitCode: EXIT.usage });
}

/** Longer ones are kept as their beginning and a digest: texts of a log are as long as its writers like. */
const MAX_LENGTH = 200;

/**
 * The client's address (IPv6 by its /64), the path without its query, or the user agent ("-" for none). A copy: a part of a line
 * keeps the whole block alive that was read from the file.
 */
export const subjectOf = (entry: LogEntry, by: SubjectKind): string =>
  Buffer.from(bounded(nameOf(entry, by)), 'latin1').toString('latin1');

function nameOf(entry: LogEntry, by: SubjectKind): string {
  if (by === 'ip') return clientKey(entry.ip);
  return by === 'path' ? (entry.path.split('?', 1)[0] ?? '') : (entry.userAgent ?? '-');
}

const bounded = (text: string): string =>
  text.length <= MAX_LENGTH
    ? text
    : `${text.slice(0, 100)}... sha256:${createHash('sha256').update(text, 'latin1').digest('hex')}`;

/** 53 bits that say which subject it is, the same on every run. */
export function hashOf(text: string): number {
  let high = 0x9e3779b9;
  let low = 0x85ebca6b;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    high = Math.imul(high ^ code, 0x9e3779b1);
    low = Math.imul(low ^ code, 0x5f356495);
  }
  high = mixed(high ^ (low >>> 15));
  low = mixed(low ^ (high >>> 13));
  return (low >>> 11) * 2 ** 32 + (high >>> 0);
}

// The finalizer of MurmurHash3: every bit of the input moves every bit of the result.
function mixed(value: number): number {
  let bits = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return bits ^ (bits >>> 16);
}
