/**
 * `RateLimit-Policy` and `RateLimit` as draft-ietf-httpapi-ratelimit-headers-10 has them: RFC 9651 Lists of Strings with
 * parameters. A policy's name holds no character that a structured String would have to escape.
 */
import type { Decision, Quota } from '../core/decision.ts';
import type { Policy } from '../strategies/policy.ts';
import { stepsOf } from '../strategies/strategy-of.ts';

export interface RateLimitHeaders {
  'RateLimit-Policy': string;
  /** Absent when nobody knows what is left. */
  RateLimit?: string;
  /** Only on a refusal that waiting can end. */
  'Retry-After'?: string;
  /** The three of these only with `legacy`, and when somebody knows what is left. */
  'X-RateLimit-Limit'?: string;
  'X-RateLimit-Remaining'?: string;
  'X-RateLimit-Reset'?: string;
}

export interface RateLimitHeaderOptions {
  /**
   * Also `X-RateLimit-Limit`, `-Remaining` and `-Reset`, of the policy that binds. No standard says what they mean: here, as at
   * GitHub and in express-rate-limit, `-Reset` is the moment when nothing is missing any more, in seconds since 1970. Default false.
   */
  readonly legacy?: boolean;
  /** `pk`: tells clients apart for somebody who speaks for several. Everybody on the way can read it. Default none. */
  readonly partitionKey?: string | undefined;
}

/** Header fields for an answer, refused or not. */
export function rateLimitHeaders(
  policies: readonly Policy[],
  decision: Decision,
  options: RateLimitHeaderOptions = {},
): RateLimitHeaders {
  const pk = options.partitionKey === undefined ? '' : `;pk=${byteSequence(options.partitionKey)}`;
  const headers: RateLimitHeaders = {
    'RateLimit-Policy':
      pk === '' ? policyHeader(policies) : policies.map((policy) => policyItem(policy) + pk).join(', '),
  };
  const isKnown = decision.decidedBy !== 'store-error-policy';
  if (isKnown) headers.RateLimit = items(decision, pk);
  const retryAfter = retryAfterSeconds(decision);
  if (retryAfter !== undefined) headers['Retry-After'] = String(retryAfter);
  if (isKnown && options.legacy === true) {
    headers['X-RateLimit-Limit'] = String(decision.limit);
    headers['X-RateLimit-Remaining'] = String(decision.remaining);
    headers['X-RateLimit-Reset'] = String(Math.ceil((Date.now() + fullAfterMs(decision)) / 1000));
  }
  return headers;
}

/**
 * `"free";q=10;w=60`: the whole policy, the same on every answer and every instance. The window of a token bucket is the time
 * from empty to full. Slots have none: `"uploads";q=4;qu="concurrent-requests"`.
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

function policyItem(policy: Policy): string {
  const unit = policy.strategy === 'concurrency' ? ';qu="concurrent-requests"' : '';
  const spanUs = stepsOf(policy).spanUs(policy);
  const window = spanUs === undefined ? '' : `;w=${wholeSeconds(spanUs / 1000)}`;
  return `"${policy.name}";q=${policy.capacity}${unit}${window}`;
}

/** `"free";r=4;t=6`: units left now, and seconds until there is one more. */
export const rateLimitHeader = (decision: Decision): string => items(decision, '');

/**
 * Whole seconds, rounded up, at least 1, and never earlier than the `t` of a policy that refused. Undefined when the take was
 * allowed, or when no wait would help.
 */
export function retryAfterSeconds(decision: Decision): number | undefined {
  if (decision.outcome === 'allowed' || decision.reason === 'cost-exceeds-capacity') return undefined;
  let latestMs = Math.max(decision.retryAfterMs, decision.refillAfterMs);
  for (const quota of decision.quotas ?? []) {
    if (decision.violatedPolicies.includes(quota.policy)) latestMs = Math.max(latestMs, quota.refillAfterMs);
  }
  return wholeSeconds(latestMs);
}

const items = (decision: Decision, pk: string): string =>
  decision.quotas === undefined
    ? item(decision, decision, pk)
    : decision.quotas.map((quota) => item(quota, decision, pk)).join(', ');

const item = (quota: Quota, decision: Decision, pk: string): string =>
  `"${quota.policy}";r=${quota.remaining};t=${Math.ceil(moreAfterMs(quota, decision) / 1000)}${pk}`;

// A blocked key gets nothing before its block ends, however soon the policy itself would give more.
const moreAfterMs = (quota: Quota, decision: Decision): number =>
  isBlocked(decision) ? Math.max(quota.refillAfterMs, decision.retryAfterMs) : quota.refillAfterMs;

const fullAfterMs = (decision: Decision): number =>
  isBlocked(decision) ? Math.max(decision.resetAfterMs, decision.retryAfterMs) : decision.resetAfterMs;

const isBlocked = (decision: Decision): decision is Extract<Decision, { reason: 'blocked' }> =>
  decision.outcome === 'denied' && decision.reason === 'blocked';

const wholeSeconds = (ms: number): number => Math.max(1, Math.ceil(ms / 1000));

const byteSequence = (text: string): string => `:${Buffer.from(text, 'utf8').toString('base64')}:`;
