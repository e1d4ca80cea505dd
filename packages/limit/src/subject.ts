import { createHash } from 'node:crypto';

const MAX_LENGTH = 200;
const DIGEST = '\u0000sha256:';

/**
 * The name under which a key's state is kept: the key itself, or a digest of one too long to be kept by the thousands (G7).
 * Keys that start like a digest are digested too, so that no two keys meet (G8).
 */
export function subjectOf(key: string): string {
  if (key.length <= MAX_LENGTH && key.charCodeAt(0) !== 0) return key;
  return DIGEST + createHash('sha256').update(Buffer.from(key, 'utf16le')).digest('base64url');
}
