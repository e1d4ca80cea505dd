import { createHash } from 'node:crypto';
import type { KeyHash } from '../core/bloom/bloom-shape.ts';

/** By SHA-256: spread evenly whatever the keys are, and the same on every machine. Halves of surrogate pairs are told apart. */
export function keyHash(key: string): KeyHash {
  const digest = createHash('sha256').update(key, 'utf16le').digest();
  return { a: digest.readUIntBE(0, 6), b: digest.readUIntBE(6, 6) };
}
