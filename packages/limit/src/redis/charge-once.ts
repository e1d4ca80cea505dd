import { createHash } from 'node:crypto';
import type { Policy } from '../strategies/policy.ts';

const PLAIN = /^[!-}]{1,64}$/;

/** An id as a part of an argument or a member: short, and no two of them meet, whatever characters they hold (G8). */
export const idText = (id: string): string => (PLAIN.test(id) ? id : `~${digestOf(id)}`);

/** Names a take: the same id under other policies is another take, and for other subjects, where they are several. */
export const takeDigest = (id: string, policies: readonly Policy[], subjects?: readonly string[]): string =>
  digestOf(JSON.stringify([...(subjects === undefined ? [] : [subjects]), id, ...policies.map(({ name }) => name)]));

// 162 bits. Of the characters themselves: UTF-8 has one sign for all halves of surrogate pairs.
const digestOf = (text: string): string =>
  createHash('sha256').update(Buffer.from(text, 'utf16le')).digest('base64url').slice(0, 27);
