import { createHmac, randomBytes, randomInt, timingSafeEqual } from 'node:crypto';
import { type OtpStoreOptions, parseOtpOptions } from './parse-otp-options.ts';

/** The answer to a code. Only `accepted` lets anybody in. */
export type OtpVerdict =
  | { readonly outcome: 'accepted' }
  /** `attemptsLeft` may still be made at this code. */
  | { readonly outcome: 'refused'; readonly reason: 'wrong'; readonly attemptsLeft: number }
  /** `exhausted`: tried too often, issue another. `none`: never issued, used, or over. */
  | { readonly outcome: 'refused'; readonly reason: 'exhausted' | 'none' };

/**
 * One-time passwords that fail closed: each is accepted at most once, by one caller on one instance, within its time and attempts; trouble of
 * the store is an error, never "accepted". Every method rejects with `StoreUnavailableError` when the store does not answer.
 */
export interface OtpStore {
  /** A new code for the subject (a user, an address), to be sent to it; the one before is void. Limit how often it may be asked for. */
  issue(subject: string): Promise<{ readonly code: string; readonly expiresInMs: number }>;
  /** Counts one attempt, then compares in constant time, then uses the code up: of several who have it, one is accepted. */
  verify(subject: string, code: string): Promise<OtpVerdict>;
  /** The subject's code is void. */
  revoke(subject: string): Promise<void>;
}

/** @throws {ConfigurationError} with everything that is wrong in `options` */
export function createOtpStore(options: OtpStoreOptions): OtpStore {
  const { records } = options;
  const { name, key, ttlMs, attempts, digits } = parseOtpOptions(options);
  // As JSON, so that no two lists meet.
  const sign = (...parts: readonly string[]): string =>
    createHmac('sha256', key)
      .update(JSON.stringify([name, ...parts]))
      .digest('base64url');
  // Who reads the store learns no address either.
  const place = (subject: string): string => sign('subject', subject);
  const digestOf = (subject: string, salt: string, code: string): string => sign('code', subject, salt, code);

  return {
    async issue(subject) {
      const code = String(randomInt(10 ** digits)).padStart(digits, '0');
      const salt = randomBytes(16).toString('base64url');
      await records.put(place(subject), { salt, digest: digestOf(subject, salt, code) }, attempts, ttlMs);
      return { code, expiresInMs: ttlMs };
    },
    async verify(subject, code) {
      const attempt = await records.attempt(place(subject));
      if (attempt.outcome !== 'counted') return { outcome: 'refused', reason: attempt.outcome };
      const { record, left } = attempt;
      // A code that is no text, or endless, is as wrong as any other.
      const given = typeof code === 'string' && code.length <= 64 ? code : '';
      if (!isSame(record.digest, digestOf(subject, record.salt, given))) {
        return { outcome: 'refused', reason: 'wrong', attemptsLeft: left };
      }
      // Another caller may have had it first.
      return (await records.consume(place(subject), record))
        ? { outcome: 'accepted' }
        : { outcome: 'refused', reason: 'none' };
    },
    revoke: (subject) => records.revoke(place(subject)),
  };
}

function isSame(stored: string, computed: string): boolean {
  const [a, b] = [Buffer.from(stored), Buffer.from(computed)];
  return a.length === b.length && timingSafeEqual(a, b);
}
