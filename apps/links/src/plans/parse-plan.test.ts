import { parsePolicy } from '@spillway/limit';
import { expect, test } from 'vitest';
import { parsePlan, toWritten } from './parse-plan.ts';

test.each([
  { strategy: 'token-bucket', name: 'a', capacity: 10, refill: { tokens: 3, every: '1m' } },
  { strategy: 'gcra', name: 'a', limit: 100, every: '1m', burst: 20 },
  { strategy: 'fixed-window', name: 'a', limit: 5, window: '1h', align: 'first-hit' },
  { strategy: 'sliding-window', name: 'a', limit: 5, window: '1h', subWindows: 6 },
  { strategy: 'sliding-log', name: 'a', limit: 5, window: '1h' },
  { strategy: 'quota', name: 'a', limit: 5, per: 'week', timeZone: 'Europe/Berlin', weekStart: 'sunday' },
  { strategy: 'concurrency', name: 'a', limit: 5, lease: '1m' },
])('a policy is shown as it is written: $strategy', (written) => {
  const policy = parsePolicy(written);
  expect(toWritten(policy)).toEqual(written);
  expect(parsePolicy(toWritten(policy))).toEqual(policy);
});

test('what is wrong is named by its field, whatever the plan is called', () => {
  const issuesOf = (name: string, policies: unknown) => {
    const parsed = parsePlan(name, { policies }, {});
    return 'issues' in parsed ? parsed.issues.map(({ path }) => path) : 'a plan';
  };
  const bucket = { strategy: 'token-bucket', name: 'a', capacity: 1, refill: { tokens: 1, every: 'soon' } };
  expect(issuesOf('a.b-c', [bucket])).toEqual(['policies.0.refill.every']);
  expect(issuesOf('"]', [bucket])).toEqual(['policies', 'policies.0.refill.every']);
  expect(issuesOf('__proto__', [bucket])).toEqual(['policies', 'policies.0.refill.every']);
  expect(issuesOf('fine', undefined)).toEqual(['policies']);
});
