import type { Decision } from '../core/decision.ts';
import { retryAfterSeconds } from './headers.ts';

/** The body of a refusal: RFC 9457 problem details, with the problem types of draft-ietf-httpapi-ratelimit-headers-10. */
export interface RateLimitProblem {
  readonly type: string;
  readonly title: string;
  readonly status: 429 | 503;
  readonly detail: string;
  readonly 'violated-policies': readonly string[];
}

const TYPES = 'https://iana.org/assignments/http-problem-types#';

/**
 * What to answer instead of the route. 429 says that a quota is exceeded; with `onStoreError: 'deny'` and the store away none
 * is, and 503 says so; a blocked key is told that it is. Undefined when the take was allowed.
 */
export function rateLimitProblem(decision: Decision): RateLimitProblem | undefined {
  if (decision.outcome === 'allowed') return undefined;
  const wait = retryAfterSeconds(decision);
  if (decision.reason === 'store-unavailable') {
    return {
      type: `${TYPES}temporary-reduced-capacity`,
      title: 'Requests can not be admitted right now',
      status: 503,
      detail: `The limits can not be checked at the moment; try again in ${wait} s.`,
      'violated-policies': decision.violatedPolicies,
    };
  }
  if (decision.reason === 'blocked') {
    return {
      type: `${TYPES}abnormal-usage-detected`,
      title: 'Requests of this client are refused for a while',
      status: 429,
      detail: `The client is blocked; try again in ${wait} s.`,
      'violated-policies': decision.violatedPolicies,
    };
  }
  return {
    type: `${TYPES}quota-exceeded`,
    title: 'The quota for these requests is exceeded',
    status: 429,
    detail:
      decision.reason === 'exhausted'
        ? `Policy "${decision.policy}" allows ${decision.limit} at once; try again in ${wait} s.`
        : `Policy "${decision.policy}" never allows more than ${decision.limit} at once; ask for less.`,
    'violated-policies': decision.violatedPolicies,
  };
}
