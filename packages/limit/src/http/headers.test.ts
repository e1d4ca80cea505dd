import { describe, expect, test } from 'vitest';
import type { Decision } from '../core/decision.ts';
import { tokenBucket } from '../core/parse-token-bucket.ts';
import { createLimiter } from '../limiter.ts';
import { rateLimitHeaders, retryAfterSeconds } from './headers.ts';
import { rateLimitProblem } from './problem.ts';

const free = tokenBucket({ name: 'free', capacity: 10, refill: { tokens: 10, every: '1m' } });
const burst = tokenBucket({ name: 'burst', capacity: 3, refill: { tokens: 2, every: '1s' } });
const clock = { nowUs: () => 0 };

describe('rate limit headers, as draft 10 writes them', () => {
  test('name the policy, what is left, and when there is more', () => {
    const limiter = createLimiter({ policy: free }, { clock });
    expect(rateLimitHeaders(limiter.policies, limiter.takeNow('ada', { cost: 4 }))).toEqual({
      'RateLimit-Policy': '"free";q=10;w=60',
      RateLimit: '"free";r=6;t=6',
    });
  });

  test('list every policy', () => {
    const limiter = createLimiter({ policies: [free, burst] }, { clock });
    expect(rateLimitHeaders(limiter.policies, limiter.takeNow('ada', { cost: 3 }))).toEqual({
      'RateLimit-Policy': '"free";q=10;w=60, "burst";q=3;w=2',
      RateLimit: '"free";r=7;t=6, "burst";r=0;t=1',
    });
  });

  test('a full bucket has nothing to wait for', async () => {
    const limiter = createLimiter({ policy: free }, { clock });
    expect(rateLimitHeaders(limiter.policies, await limiter.peek('ada')).RateLimit).toBe('"free";r=10;t=0');
  });

  test('Retry-After is whole seconds, rounded up, at least 1 and never earlier than t', () => {
    const limiter = createLimiter({ policy: burst }, { clock });
    limiter.takeNow('ada', { cost: 3 });
    for (const [cost, seconds] of [
      [1, '1'],
      [2, '1'],
      [3, '2'],
    ] as const) {
      const headers = rateLimitHeaders(limiter.policies, limiter.takeNow('ada', { cost }));
      expect(headers).toMatchObject({ RateLimit: '"burst";r=0;t=1', 'Retry-After': seconds });
    }
  });

  test('there is no Retry-After for what will never fit, nor for what was allowed', () => {
    const limiter = createLimiter({ policy: burst }, { clock });
    expect(retryAfterSeconds(limiter.takeNow('ada', { cost: 4 }))).toBeUndefined();
    expect(retryAfterSeconds(limiter.takeNow('ada'))).toBeUndefined();
  });

  test('a window of less than a second is written as one', () => {
    const quick = tokenBucket({ name: 'q', capacity: 1, refill: { tokens: 100, every: '1s' } });
    const limiter = createLimiter({ policy: quick }, { clock });
    expect(rateLimitHeaders(limiter.policies, limiter.takeNow('a'))['RateLimit-Policy']).toBe('"q";q=1;w=1');
  });
});

describe('the body of a refusal', () => {
  test('is the problem type of the draft, with the violated policies', () => {
    const limiter = createLimiter({ policies: [free, burst] }, { clock });
    limiter.takeNow('ada', { cost: 3 });
    expect(rateLimitProblem(limiter.takeNow('ada'))).toEqual({
      type: 'https://iana.org/assignments/http-problem-types#quota-exceeded',
      title: 'The quota for these requests is exceeded',
      status: 429,
      detail: 'Policy "burst" allows 3 at once; try again in 1 s.',
      'violated-policies': ['burst'],
    });
    expect(rateLimitProblem(limiter.takeNow('ada', { cost: 4 }))?.detail).toBe(
      'Policy "burst" never allows more than 3 at once; ask for less.',
    );
    expect(rateLimitProblem(limiter.takeNow('grace'))).toBeUndefined();
  });

  test('an outage of the store is 503, not a bogus 429, and promises no quota', async () => {
    const fail = () => Promise.reject(new Error('away'));
    const store = { scope: 'shared', take: fail, peek: fail, reset: fail } as const;
    const limiter = createLimiter({ policy: free, onStoreError: 'deny' }, { store });
    const decision: Decision = await limiter.take('ada');
    expect(rateLimitProblem(decision)).toMatchObject({
      status: 503,
      type: 'https://iana.org/assignments/http-problem-types#temporary-reduced-capacity',
      'violated-policies': [],
    });
    expect(rateLimitHeaders(limiter.policies, decision)).toEqual({
      'RateLimit-Policy': '"free";q=10;w=60',
      'Retry-After': '1',
    });
  });
});
