import { createHash } from 'node:crypto';
import type { Policy } from '../strategies/policy.ts';

/**
 * What stands for a key: PostgreSQL's text has no NUL and no lone surrogate, and its index rows have an end. All code units
 * count, so that no two keys meet (G8).
 */
export const subjectDigest = (key: string): Buffer => createHash('sha256').update(Buffer.from(key, 'utf16le')).digest();

/** What a subject's takes wait for, one after the other. */
export const lockOf = (subject: Buffer): bigint => subject.readBigInt64BE(0);

/** An id is the take's own for one key and these policies. JSON keeps its parts, and lone surrogates, apart. */
export const idDigest = (key: string, policies: readonly Policy[], id: string): Buffer =>
  createHash('sha256')
    .update(JSON.stringify([key, id, ...policies.map(({ name }) => name)]))
    .digest();
