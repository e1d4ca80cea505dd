import { hkdfSync } from 'node:crypto';
import { ConfigurationError } from '@spillway/kernel';

const SHORTEST_SECRET = 16;

/** @throws {ConfigurationError} when the secret is missing or too short to keep codes unguessable; never shows it */
export function parseSecret(secret: string): string {
  if (typeof secret === 'string' && secret.length >= SHORTEST_SECRET) return secret;
  const got = typeof secret === 'string' ? `${secret.length} characters` : typeof secret;
  throw new ConfigurationError('The secret can not be used:', [
    {
      path: 'secret',
      message: `must have at least ${SHORTEST_SECRET} characters, got ${got}; try "openssl rand -hex 32"`,
    },
  ]);
}

/** Keys of one secret for different purposes tell nothing about each other. HKDF-SHA-256, RFC 5869. */
export function deriveKey(secret: string, purpose: string, bytes: number): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', secret, 'spillway ids', purpose, bytes));
}
