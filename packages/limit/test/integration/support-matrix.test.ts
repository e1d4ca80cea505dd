import { readFile } from 'node:fs/promises';
import { ConfigurationError, StoreUnavailableError } from '@spillway/kernel';
import { createLimiter, type Limiter, type LimitStore, memoryLimitStore, type Policy } from '@spillway/limit';
import { postgresLimitStore } from '@spillway/limit/postgres';
import { redisLimitStore } from '@spillway/limit/redis';
import { connectRedis, type RedisLink } from '@spillway/redis';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import {
  has,
  isMade,
  limiterOf,
  MODES,
  OPERATIONS,
  type Operation,
  ROWS,
  STORES,
  type StoreName,
} from '../support/matrix/matrix.ts';
import { limitsPage } from '../support/matrix/page.ts';
import { openPostgresAt, type TestPostgres } from '../support/open-postgres.ts';

let link: RedisLink;
let database: TestPostgres;
let stores: Readonly<Record<StoreName, LimitStore>>;

beforeAll(async () => {
  link = connectRedis({ url: inject('redisUrl'), deadline: '10s' });
  await link.ready({ timeout: '10s' });
  database = await openPostgresAt(inject('postgresUrl'));
  stores = {
    memory: memoryLimitStore(),
    Redis: redisLimitStore({ link, prefix: `limit-matrix-${process.pid}` }),
    PostgreSQL: postgresLimitStore({ sql: database.sql }),
  };
});

afterAll(async () => {
  await link.close();
  await database.close();
});

let keys = 0;

/** Does it work? Refused by a ConfigurationError: no. */
async function works(operation: Operation, limiter: Limiter, policy: Policy, store: LimitStore): Promise<boolean> {
  keys += 1;
  const key = `key-${keys}`;
  const id = { id: `id-${keys}` };
  const named = policy.strategy === 'concurrency' ? id : {};
  const remaining = async () => (await limiter.peek(key)).remaining;
  const full = policy.capacity;
  try {
    switch (operation) {
      case 'take':
        return (await limiter.take(key, named)).outcome === 'allowed' && (await remaining()) === full - 1;
      case 'take with `id`':
        for (let repeat = 0; repeat < 3; repeat += 1) await limiter.take(key, id);
        return (await remaining()) === full - 1;
      case 'takeNow':
        return limiter.takeNow(key, named).outcome === 'allowed';
      case 'peek':
        return (await remaining()) === full && (await remaining()) === full;
      case 'refund':
        await limiter.refund(key, { of: await limiter.take(key, named), ...named });
        return (await remaining()) === full;
      case 'reset':
        await limiter.take(key, named);
        await limiter.reset(key);
        return (await remaining()) === full;
      case 'block': {
        await limiter.block(key, '1h');
        const decision = await limiter.take(key, named);
        return decision.outcome === 'denied' && decision.reason === 'blocked';
      }
      case 'wait':
        return (await limiter.wait(key, named)).outcome === 'allowed';
      case 'hand-over':
        return await handsOver(key, policy, store, limiter.mode, named);
    }
  } catch (error) {
    if (error instanceof ConfigurationError) return false;
    throw error;
  }
}

/** Away for one take of three, which this instance's share gives. */
async function handsOver(key: string, policy: Policy, store: LimitStore, mode: Limiter['mode'], named: object) {
  if (mode === 'share' || store.scope === 'process') return false;
  let isAway = false;
  const unlessAway = <Call extends (...args: never[]) => Promise<unknown>>(call: Call): Call =>
    ((...args: never[]) => {
      const error = new StoreUnavailableError('limit', undefined, 'is down', { mayHaveRun: false });
      return isAway ? Promise.reject(error) : call(...args);
    }) as Call;
  const reserve = store.reserve === undefined ? {} : { reserve: unlessAway(store.reserve) };
  const takeOwing = store.takeOwing === undefined ? {} : { takeOwing: unlessAway(store.takeOwing) };
  const fleeting = { ...store, take: unlessAway(store.take), ...reserve, ...takeOwing };
  const limiter = createLimiter({ policy, mode }, { store: fleeting, presence: { instances: 1 } });
  const before = await limiter.take('another', { id: `other-${key}` });
  expect(before.outcome).toBe('allowed');
  isAway = true;
  expect(await limiter.take(key, named)).toMatchObject({ outcome: 'allowed', decidedBy: 'share' });
  isAway = false;
  const next = await limiter.take(key, 'id' in named ? { id: `${named.id}-again` } : {});
  const { remaining } = await limiter.peek(key);
  await limiter.close();
  // Of a single unit nothing is left.
  return policy.capacity === 1 ? next.outcome === 'denied' : remaining === policy.capacity - 2;
}

describe.each(STORES)('the support matrix: %s', (name) => {
  describe.each(MODES)('mode %s', (mode) => {
    test.each(ROWS)('$title', async ({ policy }) => {
      const store = stores[name];
      if (!isMade(policy, mode, name)) {
        expect(() => limiterOf(policy, mode, store)).toThrow(ConfigurationError);
        return;
      }
      const limiter = limiterOf(policy, mode, store);
      for (const operation of OPERATIONS) {
        const expected = has(operation, policy, mode, name);
        expect(await works(operation, limiter, policy, store), operation).toBe(expected);
      }
      if (mode === 'lease') {
        const by = [];
        for (let taken = 0; taken < 20; taken += 1) by.push((await limiter.take(`leased-${name}`)).decidedBy);
        expect(by).toContain('lease');
      }
      await limiter.close();
    });
  });
});

test('the page says what is so', async () => {
  const page = await readFile(new URL('../../../../docs/2.reference/limits.md', import.meta.url), 'utf8');
  expect(page).toBe(limitsPage());
});
