import { ConfigurationError, type Duration, type Issue, toMs } from '@spillway/kernel';
import type { OtpRecords } from './otp-records.ts';

export interface OtpStoreOptions {
  /** `redisOtpRecords({ link })`, or `memoryOtpRecords()` for one process alone. */
  readonly records: OtpRecords;
  /** What the codes are for: `"login"`. A code of one use is none of another. */
  readonly name: string;
  /** At least 32 bytes, the same on every instance, and not in the store: without it a digest of six digits is soon guessed. */
  readonly secret: string | Uint8Array;
  /** How long a code can be used. Default `"5m"`, at most `"1d"`. */
  readonly ttl?: Duration;
  /** How often one code may be tried, right or wrong. 1 to 100, default 5. */
  readonly attempts?: number;
  /** Length of a code. 6 to 12, default 6. */
  readonly digits?: number;
}

/** @throws {ConfigurationError} with everything that is wrong */
export function parseOtpOptions({ name, secret, ttl = '5m', attempts = 5, digits = 6 }: OtpStoreOptions) {
  const issues: Issue[] = [];
  if (typeof name !== 'string' || name === '')
    issues.push({ path: 'name', message: 'must be a string that is not empty' });
  const key = typeof secret === 'string' ? Buffer.from(secret) : secret;
  if (!(key instanceof Uint8Array) || key.length < 32) {
    issues.push({ path: 'secret', message: 'must be at least 32 bytes; make one by `openssl rand -hex 32`' });
  }
  let ttlMs = 0;
  try {
    ttlMs = toMs(ttl);
    if (ttlMs < 1_000 || ttlMs > 86_400_000) {
      issues.push({ path: 'ttl', message: `must be from "1s" to "1d", got "${ttl}"` });
    }
  } catch (error) {
    issues.push({ path: 'ttl', message: error instanceof Error ? error.message : String(error) });
  }
  const integer = (path: string, value: number, least: number, most: number) => {
    if (Number.isInteger(value) && value >= least && value <= most) return;
    issues.push({
      path,
      message: `must be an integer from ${least} to ${most}, got ${JSON.stringify(value) ?? String(value)}`,
    });
  };
  integer('attempts', attempts, 1, 100);
  integer('digits', digits, 6, 12);
  if (issues.length > 0) throw new ConfigurationError('The store of one-time passwords has wrong options', issues);
  return { name, key, ttlMs, attempts, digits };
}
