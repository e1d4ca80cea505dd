/**
 * `RateLimit-Policy` and `RateLimit` as draft-ietf-httpapi-ratelimit-headers-10 has them: RFC 9651 Lists of Strings with
 * parameters. A policy's name holds no character that a structured String would have to escape.
 */
import type { Decision, Quota } from '../core/decision.ts';
import type { Policy } from '../strategies/policy.ts';

export interface RateLimitHeaders {
  'RateLimit-Policy': string;
  /** Absent when nobody knows what is left. */
  RateLimit?: string;
  /** Only on a refusal that waiting can end. */
  'Retry-After'?: string;
}

/** Header fields for an answer, refused or not. */
export function rateLimitHeaders(policies: readonly Policy[], decision: Decision): RateLimitHeaders {
  const headers: RateLimitHeaders = { 'RateLimit-Policy': policyHeader(policies) };
  if (decision.decidedBy !== 'store-error-policy') headers.RateLimit = rateLimitHeader(decision);
  const retryAfter = retryAfterSeconds(decision);
  if (retryAfter !== undefined) headers['Retry-After'] = String(retryAfter);
  return headers;
}

/**
 * `"free";q=10;w=60`: the whole policy, the same on every answer and every instance. The window of a token bucket is the time
 * from empty to full.
 */
export function policyHeader(policies: readonly Policy[]): string {
  let header = policyHeaders.get(policies);
  if (header === undefined) {
    header = policies.map(policyItem).join(', ');
    policyHeaders.set(policies, header);
  }
  return header;
}

// A limiter's policies are one array for its whole life; this is on the hot path.
const policyHeaders = new WeakMap<readonly Policy[], string>();

const policyItem = ({ name, capacity, rate }: Policy): string =>
  `"${name}";q=${capacity};w=${wholeSeconds(rate.fullUs / 1000)}`;

/** `"free";r=4;t=6`: units left now, and seconds until there is one more. */
export const rateLimitHeader = (decision: Decision): string =>
  decision.quotas === undefined ? item(decision) : decision.quotas.map(item).join(', ');

/**
 * Whole seconds, rounded up, at least 1, and never earlier than the `t` of a policy that refused. Undefined when the take was
 * allowed, or when no wait would help.
 */
export function retryAfterSeconds(decision: Decision): number | undefined {
  if (decision.outcome === 'allowed' || decision.reason === 'cost-exceeds-capacity') return undefined;
  return wholeSeconds(decision.retryAfterMs);
}

const item = (quota: Quota): string =>
  `"${quota.policy}";r=${quota.remaining};t=${Math.ceil(quota.refillAfterMs / 1000)}`;

const wholeSeconds = (ms: number): number => Math.max(1, Math.ceil(ms / 1000));
