import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  concurrency,
  createLimiter,
  type LimitBoundMessage,
  type LimitStoreMessage,
  memoryLimitStore,
  tokenBucket,
} from './index.ts';
import { createPlanBook } from './plans/plan-book.ts';
import { createPlanLimiter } from './plans/plan-limiter.ts';
import { parsePlans } from './plans/plans.ts';
import type { LimitStore } from './store.ts';

const policy = tokenBucket({ name: 'free', capacity: 1, refill: { tokens: 1, every: '1h' } });

const many = tokenBucket({ name: 'many', capacity: 9, refill: { tokens: 1, every: '1h' } });

/** A store of a class with private fields, as a user may write one: what is not overridden must still reach them. */
class Shared implements LimitStore {
  readonly scope = 'shared';
  readonly strategies;
  readonly #store = memoryLimitStore();
  isAway = false;

  constructor() {
    this.strategies = this.#store.strategies;
  }

  async take(...args: Parameters<LimitStore['take']>) {
    if (this.isAway) throw new Error('away');
    return this.#store.take(...args);
  }

  peek(...args: Parameters<LimitStore['peek']>) {
    return this.#store.peek(...args);
  }

  refund(...args: Parameters<LimitStore['refund']>) {
    return this.#store.refund(...args);
  }

  block(...args: Parameters<LimitStore['block']>) {
    return this.#store.block(...args);
  }

  reset(...args: Parameters<LimitStore['reset']>) {
    return this.#store.reset(...args);
  }
}

const heard = new Map<string, unknown[]>();
const CHANNELS = ['store', 'bound', 'block', 'decision', 'shadow'].map((name) => `spillway:limit:${name}`);
const hear = (message: unknown, name: string | symbol): void => {
  heard.set(String(name), [...(heard.get(String(name)) ?? []), message]);
};

const told = <Message>(name: string) => (heard.get(`spillway:limit:${name}`) ?? []) as Message[];

beforeEach(() => {
  heard.clear();
  for (const name of CHANNELS) subscribe(name, hear);
});

afterEach(() => {
  for (const name of CHANNELS) unsubscribe(name, hear);
});

describe('a limiter tells', () => {
  test('how long a shared store took for each operation, and how it ended', async () => {
    const store = new Shared();
    const limiter = createLimiter({ policy }, { store, presence: { instances: 1 } });
    await limiter.take('ada');
    await limiter.take('ada', { id: 'once' });
    await limiter.peek('ada');
    await limiter.refund('ada');
    await limiter.reset('ada');
    await limiter.block('ada', '1h');
    store.isAway = true;
    expect((await limiter.take('grace')).decidedBy).toBe('share');
    const calls = told<LimitStoreMessage>('store');
    expect(calls.map(({ operation, outcome }) => `${operation} ${outcome}`)).toEqual([
      'take ok',
      'take-once ok',
      'peek ok',
      'refund ok',
      'reset ok',
      'block ok',
      'take error',
    ]);
    for (const { durationMs, policies } of calls) {
      expect(durationMs).toBeGreaterThanOrEqual(0);
      expect(policies).toEqual(['free']);
    }
  });

  test('nothing of a store in its own process, which takes no time', async () => {
    const store = memoryLimitStore();
    const limiter = createLimiter({ policy }, { store });
    await limiter.take('ada');
    expect(told('store')).toEqual([]);
    expect(limiter.synchronous).toBe(true);
  });

  test('of blocks, with the key as the caller gave it', async () => {
    const limiter = createLimiter({ policy });
    await limiter.block('ada', '1m');
    expect(told('block')).toEqual([{ key: 'ada', policies: ['free'], forMs: 60_000 }]);
  });

  test('the strategy of each decision, and nothing of shadow policies as a decision', async () => {
    const plans = parsePlans({
      default: 'free',
      plans: { free: { policies: [policy], shadow: [{ ...policy, name: 'stricter' }] } },
    });
    const limiter = createPlanLimiter({ book: createPlanBook(plans) });
    await limiter.take('ada');
    await expect.poll(() => told('shadow').length).toBe(1);
    expect(told('decision')).toMatchObject([{ strategy: 'token-bucket', decision: { policy: 'free' } }]);
  });

  test('of each bound that was met', async () => {
    const limiter = createLimiter({ policy, maxKeys: 1, maxWaiting: 1 });
    await limiter.block('ada', '1h');
    await expect(limiter.block('grace', '1h')).rejects.toThrow('blocked keys');
    const large = createLimiter({ policy: many, maxKeys: 2 });
    for (const id of ['a', 'b', 'c']) await large.take('ada', { id });
    const slots = createLimiter({ policy: concurrency({ name: 'slots', limit: 1, lease: '1h' }), maxKeys: 1 });
    for (const key of ['ada', 'grace']) await slots.take(key, { id: 'a' });
    const busy = createLimiter({ policy, maxWaiting: 1 });
    await busy.take('ada');
    const waits = [busy.wait('ada'), busy.wait('ada')].map((wait) => wait.catch(() => {}));
    await busy.close();
    await Promise.all(waits);
    const shared = createLimiter({ policy, maxKeys: 1 }, { store: new Shared(), presence: { instances: 1 } });
    for (const key of ['x', 'y', 'z']) for (const _ of [1, 2]) await shared.take(key);
    const bounds = new Set(told<LimitBoundMessage>('bound').map(({ bound }) => bound));
    expect([...bounds]).toEqual(['blocks', 'ids', 'slots', 'waiting', 'local-blocks']);
  });
});
