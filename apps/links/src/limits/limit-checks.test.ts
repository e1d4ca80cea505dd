import { fixedWindow, memoryLimitStore, parsePlans, tokenBucket } from '@spillway/limit';
import { expect, test } from 'vitest';
import { type CheckedPolicies, resolvePolicies } from './checked-policies.ts';
import { createDecisionCounts } from './decision-counts.ts';
import { createLimitChecks, type LimitCheck } from './limit-checks.ts';

const MAX_KEYS = 100;
const daily = (name: string, capacity: number) =>
  tokenBucket({ name, capacity, refill: { tokens: capacity, every: '24h' } });

function openChecks() {
  const plans = parsePlans({ default: 'free', plans: { free: { policies: [daily('free', 10)] } } });
  const source = { plans, forEveryKey: false };
  const store = memoryLimitStore({ maxKeys: MAX_KEYS });
  const counts = createDecisionCounts('all');
  const checks = createLimitChecks({ source, store, presence: { instances: 1 }, countsOf: () => counts });
  const by = (policies: readonly unknown[]): CheckedPolicies => {
    const found = resolvePolicies({ policies }, plans, store.strategies);
    if ('errors' in found) throw new Error(JSON.stringify(found.errors));
    return found;
  };
  const check = (more: Partial<LimitCheck>): LimitCheck => ({
    tenant: 'one',
    key: 'somebody',
    by: by(['free']),
    cost: 1,
    id: undefined,
    onStoreError: 'share',
    ...more,
  });
  return { checks, store, check, by };
}

test('G7: as many keys as there may be leave no more behind than the store keeps', async () => {
  const { checks, store, check } = openChecks();
  const one = check({});
  for (let i = 0; i < 100_000; i += 1) await checks.take({ ...one, key: `key ${i}` });
  expect(store.stats().keys).toBeLessThanOrEqual(MAX_KEYS);
});

test('G7: as many policies as callers make up leave no more behind than a few', async () => {
  const { checks, store, check, by } = openChecks();
  for (let i = 0; i < 5_000; i += 1) {
    await checks.take(check({ by: by([daily(`made up ${i}`.replaceAll(' ', '-'), 1 + (i % 50))]), key: `key ${i}` }));
  }
  expect(store.stats().keys).toBeLessThanOrEqual(MAX_KEYS);
});

test('a policy that was raised counts what was taken under it before', async () => {
  const { checks, check, by } = openChecks();
  const mine = (limit: number) => by([fixedWindow({ name: 'mine', limit, window: '24h' })]);
  await checks.take(check({ by: mine(10), cost: 10 }));
  const raised = await checks.take(check({ by: mine(20), cost: 4 }));
  expect(raised).toMatchObject({ outcome: 'allowed', policy: 'mine', limit: 20, remaining: 6 });
});
