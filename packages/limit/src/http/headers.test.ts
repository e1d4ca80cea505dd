import { parseList } from 'structured-headers';
import { describe, expect, test } from 'vitest';
import type { Decision } from '../core/decision.ts';
import { tokenBucket } from '../core/parse-token-bucket.ts';
import { createLimiter } from '../limiter.ts';
import { memoryLimitStore } from '../memory/memory-store.ts';
import { concurrency } from '../strategies/concurrency/policy.ts';
import { fixedWindow } from '../strategies/fixed-window/policy.ts';
import { gcra } from '../strategies/gcra/policy.ts';
import { quota } from '../strategies/quota/policy.ts';
import { slidingLog } from '../strategies/sliding-log/policy.ts';
import { slidingWindow } from '../strategies/sliding-window/policy.ts';
import { policyHeader, rateLimitHeaders, retryAfterSeconds } from './headers.ts';
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

describe('as RFC 9651 reads them back', () => {
  const every = [
    free,
    gcra({ name: 'gcra', limit: 10, every: '1m', burst: 'strict' }),
    fixedWindow({ name: 'fixed', limit: 5, window: '1500ms' }),
    slidingWindow({ name: 'sliding', limit: 7, window: '1h', subWindows: 7 }),
    slidingLog({ name: 'log', limit: 3, window: '1d' }),
    quota({ name: 'a.b_c-d', limit: 1_000_000_000_000, per: 'month', timeZone: 'Europe/Berlin' }),
    concurrency({ name: 'slots', limit: 4, lease: '30s' }),
  ];
  const written = (header: string) =>
    parseList(header).map(([name, parameters]) => ({ name, ...Object.fromEntries(parameters) }));

  test('every strategy has its quota and, where time gives back, its window', () => {
    expect(written(policyHeader(every))).toEqual([
      { name: 'free', q: 10, w: 60 },
      { name: 'gcra', q: 1, w: 6 },
      { name: 'fixed', q: 5, w: 2 },
      { name: 'sliding', q: 7, w: 3601 },
      { name: 'log', q: 3, w: 86_400 },
      { name: 'a.b_c-d', q: 1_000_000_000_000, w: 31 * 86_400 },
      { name: 'slots', q: 4, qu: 'concurrent-requests' },
    ]);
  });

  const quotaOf = (policy: string, remaining: number, refillAfterMs: number) => ({
    policy,
    limit: 10,
    remaining,
    refillAfterMs,
    resetAfterMs: 60_000,
  });
  const denied = {
    outcome: 'denied',
    decidedBy: 'store',
    degraded: false,
    violatedPolicies: ['free', 'slots'],
    ...quotaOf('slots', 0, 2500),
    quotas: [quotaOf('free', 0, 4100), quotaOf('log', 2, 86_000_000), quotaOf('slots', 0, 2500)],
  } as const;

  test('Retry-After is not earlier than the t of any policy that refused, and does not wait for one that did not', () => {
    const headers = rateLimitHeaders(every, { ...denied, reason: 'exhausted', retryAfterMs: 3000 });
    expect(written(headers.RateLimit ?? '')).toEqual([
      { name: 'free', r: 0, t: 5 },
      { name: 'log', r: 2, t: 86_000 },
      { name: 'slots', r: 0, t: 3 },
    ]);
    expect(headers['Retry-After']).toBe('5');
  });

  test('a blocked key gets nothing before its block ends', () => {
    const { quotas: _, ...one } = denied;
    const blocked = { ...one, reason: 'blocked', retryAfterMs: 90_500 } as const;
    const headers = rateLimitHeaders([free], blocked, { legacy: true });
    expect(headers).toMatchObject({ RateLimit: '"slots";r=0;t=91', 'Retry-After': '91' });
    expect(Number(headers['X-RateLimit-Reset']) - Date.now() / 1000).toBeGreaterThan(89);
    expect(rateLimitProblem(blocked)).toEqual({
      type: 'https://iana.org/assignments/http-problem-types#abnormal-usage-detected',
      title: 'Requests of this client are refused for a while',
      status: 429,
      detail: 'The client is blocked; try again in 91 s.',
      'violated-policies': ['free', 'slots'],
    });
  });

  test('a partition key is a byte sequence, on both', () => {
    const headers = rateLimitHeaders(
      every,
      { ...denied, reason: 'exhausted', retryAfterMs: 1 },
      { partitionKey: 'Ä"\\;' },
    );
    for (const header of [headers['RateLimit-Policy'], headers.RateLimit ?? '']) {
      for (const [, parameters] of parseList(header)) {
        expect(Buffer.from(parameters.get('pk') as ArrayBuffer).toString()).toBe('Ä"\\;');
      }
    }
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
    const { strategies } = memoryLimitStore();
    const store = {
      scope: 'shared',
      strategies,
      take: fail,
      peek: fail,
      refund: fail,
      block: fail,
      reset: fail,
    } as const;
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
