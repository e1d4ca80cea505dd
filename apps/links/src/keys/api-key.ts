import { createHash, randomBytes } from 'node:crypto';

const ALPHABET = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';

/**
 * A new key: `spw_` and 43 characters of base 58, over 250 bits. With that much to guess, one SHA-256 hides it as well as a
 * slow hash would.
 */
export function createApiKey(): string {
  let key = 'spw_';
  // Bytes beyond the last whole multiple of 58 are thrown away, so that every character is as likely.
  while (key.length < 47) {
    for (const byte of randomBytes(64)) {
      if (byte < 232 && key.length < 47) key += ALPHABET[byte % 58];
    }
  }
  return key;
}

export const hashApiKey = (key: string): string => createHash('sha256').update(key).digest('hex');

/** What may be shown of a key afterwards. */
export const hintOf = (key: string): string => `${key.slice(0, 8)}…`;
