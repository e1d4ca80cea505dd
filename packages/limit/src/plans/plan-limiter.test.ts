import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { StoreUnavailableError } from '@spillway/kernel';
import { until } from '@spillway/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { memoryLimitStore } from '../memory/memory-store.ts';
import type { LimitShadowMessage } from '../messages.ts';
import { sharedStore } from '../testing/shared-store.ts';
import { createPlanBook } from './plan-book.ts';
import { compositeKey, createPlanLimiter } from './plan-limiter.ts';
import { parsePlans } from './plans.ts';

const window = (name: string, limit: number) => ({
  strategy: 'fixed-window',
  name,
  limit,
  window: '1h',
  align: 'first-hit',
});
const plansWith = (free: number, shadow: readonly unknown[] = []) =>
  parsePlans({
    default: 'free',
    plans: { free: { policies: [window('free', free)], shadow }, premium: { policies: [window('premium', 5)] } },
    keys: { acme: 'premium' },
  });

test('each key is held to its plan, and the answer names it', async () => {
  const limiter = createPlanLimiter({ book: createPlanBook(plansWith(2)) });
  onTestFinished(() => limiter.close());
  const outcomes = async (key: string) => {
    const decisions = await Promise.all(Array.from({ length: 7 }, () => limiter.take(key)));
    return decisions.map(({ outcome, plan }) => `${plan} ${outcome}`);
  };
  expect(await outcomes('ada')).toEqual([...Array(2).fill('free allowed'), ...Array(5).fill('free denied')]);
  expect(await outcomes('acme')).toEqual([...Array(5).fill('premium allowed'), ...Array(2).fill('premium denied')]);
});

test('new plans hold from the next take on, and what was taken stays taken', async () => {
  const book = createPlanBook(plansWith(2));
  const limiter = createPlanLimiter({ book });
  onTestFinished(() => limiter.close());
  for (let i = 0; i < 3; i += 1) await limiter.take('ada');
  expect(await limiter.take('ada')).toMatchObject({ outcome: 'denied', limit: 2 });
  book.replace(plansWith(4));
  expect(await limiter.take('ada')).toMatchObject({ outcome: 'allowed', limit: 4, remaining: 1 });
  book.replace(plansWith(1));
  expect(await limiter.take('ada')).toMatchObject({ outcome: 'denied', limit: 1 });
});

test('a plan of mode lease is leased, beside one that is exact', async () => {
  const bucket = (name: string) => ({
    ...{ strategy: 'token-bucket', name, capacity: 1000 },
    refill: { tokens: 1000, every: '1h' },
  });
  const plans = {
    busy: { policies: [bucket('busy')], shadow: [bucket('tried')], mode: 'lease' },
    calm: { policies: [bucket('calm')] },
  };
  const book = createPlanBook(parsePlans({ default: 'calm', plans, keys: { acme: 'busy' } }));
  const limiter = createPlanLimiter({ book, lease: { maxAge: '10s' } });
  onTestFinished(() => limiter.close());
  const deciders = async (key: string) => {
    const by = new Set<string>();
    for (let taken = 0; taken < 40; taken += 1) by.add((await limiter.take(key)).decidedBy);
    return [...by];
  };
  expect(await deciders('acme')).toEqual(['store', 'lease']);
  expect(await deciders('ada')).toEqual(['store']);
});

test('a key that is refused here without asking notices a raised limit with its next take', async () => {
  const { store, clock } = sharedStore();
  const book = createPlanBook(plansWith(2));
  const limiter = createPlanLimiter({ book }, { store, clock, presence: { instances: 1 } });
  onTestFinished(() => limiter.close());
  for (let i = 0; i < 3; i += 1) await limiter.take('ada');
  expect(await limiter.take('ada')).toMatchObject({ outcome: 'denied', decidedBy: 'local-block' });
  book.replace(plansWith(4));
  expect(await limiter.take('ada')).toMatchObject({ outcome: 'allowed', decidedBy: 'store', remaining: 1 });
});

test('a shadow policy counts what was allowed, tells what it would have said, and decides nothing', async () => {
  const told: LimitShadowMessage[] = [];
  const listen = (message: unknown) => void told.push(message as LimitShadowMessage);
  subscribe('spillway:limit:shadow', listen);
  onTestFinished(() => void unsubscribe('spillway:limit:shadow', listen));
  const limiter = createPlanLimiter({ book: createPlanBook(plansWith(3, [window('tight', 1)])) });
  onTestFinished(() => limiter.close());
  const decisions = [];
  for (let i = 0; i < 5; i += 1) decisions.push(await limiter.take('ada'));
  expect(decisions.map(({ outcome }) => outcome)).toEqual(['allowed', 'allowed', 'allowed', 'denied', 'denied']);
  for (const { policy, quotas } of decisions) expect([policy, quotas]).toEqual(['free', undefined]);
  await until(() => told.length === 3);
  expect(told.map(({ plan, key, decision }) => [plan, key, decision.policy, decision.outcome])).toEqual([
    ['free', 'ada', 'tight', 'allowed'],
    ['free', 'ada', 'tight', 'denied'],
    ['free', 'ada', 'tight', 'denied'],
  ]);
});

test('a shadow policy whose store fails, or that can not count so, changes nothing either', async () => {
  const store = memoryLimitStore();
  const flaky = {
    ...store,
    take: (key: string, policies: Parameters<typeof store.take>[1], cost: number, id?: string) =>
      policies[0]?.name === 'tight'
        ? Promise.reject(new StoreUnavailableError('take'))
        : store.take(key, policies, cost, id),
  };
  const limiter = createPlanLimiter(
    { book: createPlanBook(plansWith(2, [window('tight', 1)])), onStoreError: 'throw' },
    { store: flaky },
  );
  expect((await limiter.take('ada')).outcome).toBe('allowed');
  expect((await limiter.take('ada')).outcome).toBe('allowed');
  expect((await limiter.take('ada')).outcome).toBe('denied');
});

test('a refund of what another plan was charged for gives nothing back', async () => {
  const book = createPlanBook(plansWith(2));
  const limiter = createPlanLimiter({ book });
  const first = await limiter.take('acme');
  expect(first.plan).toBe('premium');
  const { byName, defaultPlan } = plansWith(2);
  book.replace({ byName, defaultPlan, byKey: new Map() });
  await limiter.take('acme');
  await limiter.refund('acme', { of: first });
  expect((await limiter.peek('acme')).remaining).toBe(1);
});

test('a subject of several parts is counted by itself, under the plan of the key', async () => {
  const limiter = createPlanLimiter({ book: createPlanBook(plansWith(1)) });
  const take = (address: string) => limiter.take('ada', { subject: compositeKey('ada', address) });
  expect((await take('192.0.2.1')).outcome).toBe('allowed');
  expect((await take('192.0.2.2')).outcome).toBe('allowed');
  expect((await take('192.0.2.1')).outcome).toBe('denied');
  await limiter.reset('ada', { subject: compositeKey('ada', '192.0.2.1') });
  const again = await take('192.0.2.1');
  expect(again.outcome).toBe('allowed');
  await limiter.refund('ada', { subject: compositeKey('ada', '192.0.2.1'), of: again });
  expect((await limiter.peek('ada', { subject: compositeKey('ada', '192.0.2.1') })).remaining).toBe(1);
  await limiter.block('ada', '1m', { subject: compositeKey('ada', '192.0.2.1') });
  expect(await take('192.0.2.1')).toMatchObject({ outcome: 'denied', reason: 'blocked' });
});
