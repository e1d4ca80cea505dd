import { DatabaseSync } from 'node:sqlite';
import { ConfigurationError } from '@spillway/kernel';
import { postgresRunner } from '@spillway/kernel/postgres';
import { sqliteRunner } from '@spillway/kernel/sqlite';
import { concurrency, fixedWindow, type Policy, quota, tokenBucket } from '@spillway/limit';
import { postgresLimitStore } from '@spillway/limit/postgres';
import { createFakeClock, limitStoreSuite } from '@spillway/limit/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { openPool, openPostgresAt, storedRows, type TestPostgres } from '../support/open-postgres.ts';

let database: TestPostgres;

beforeAll(async () => {
  database = await openPostgresAt(inject('postgresUrl'));
});

afterAll(() => database.close());

beforeEach(async () => {
  await database.sql.query('TRUNCATE limit_states');
});

limitStoreSuite({
  name: 'postgres',
  strategies: ['token-bucket', 'gcra', 'fixed-window', 'quota'],
  leases: false,
  mixedSubjects: false,
  owing: true,
  create: async ({ clock }) => ({
    store: postgresLimitStore({ sql: database.sql, clock }),
    inspect: () => storedRows(database, clock.nowUs()),
  }),
});

const ten = tokenBucket({ name: 'ten', capacity: 10, refill: { tokens: 10, every: '1h' } });
const five = fixedWindow({ name: 'five', limit: 5, window: '1h', align: 'first-hit' });
const vast = tokenBucket({ name: 'vast', capacity: 1_000_000, refill: { tokens: 1_000_000, every: '1h' } });
const daily = quota({ name: 'daily', limit: 7, per: 'day' });
// Waits for nobody, so that it adds no circle of its own.
const endAll = () =>
  database.sql.query(
    'UPDATE limit_states SET end_us = 0 WHERE ctid = ANY (ARRAY(SELECT ctid FROM limit_states FOR UPDATE SKIP LOCKED))',
  );
const count = async () => Number((await database.sql.query('SELECT count(*) AS n FROM limit_states')).rows[0]?.n);

describe('the PostgreSQL limit store', () => {
  test('is refused on SQLite, with what to take instead', () => {
    const sql = sqliteRunner(new DatabaseSync(':memory:'));
    expect(() => postgresLimitStore({ sql })).toThrow(/got "sqlite".*memoryLimitStore/);
  });

  test('refuses a policy that it can not count by', async () => {
    const store = postgresLimitStore(database);
    const slots: readonly Policy[] = [concurrency({ name: 'slots', limit: 3, lease: '1m' })];
    await expect(store.take('ada', slots, 1, 'id')).rejects.toThrow(ConfigurationError);
    await expect(store.peek('ada', slots, 1)).rejects.toThrow(/slots: must be one of token-bucket, .*got concurrency/);
  });

  test('counts by the server’s clock when it is given none', async () => {
    const quick = tokenBucket({ name: 'quick', capacity: 1, refill: { tokens: 1, every: '200ms' } });
    const store = postgresLimitStore(database);
    const outcome = async () => (await store.take('ada', [quick], 1)).verdicts[0]?.outcome;
    const first = await store.take('ada', [quick], 1);
    expect(first.verdicts).toMatchObject([{ outcome: 'allowed' }]);
    expect(Math.abs(first.atUs / 1000 - Date.now())).toBeLessThan(60_000);
    expect(await outcome()).toBe('denied');
    await expect.poll(outcome).toBe('allowed');
  });

  test('a take and its id are one statement; the first id only asks for the time before', async () => {
    const sent: string[] = [];
    const { sql } = database;
    const store = postgresLimitStore({
      sql: {
        ...sql,
        query: (text, values) => {
          sent.push(text);
          return sql.query(text, values);
        },
      },
    });
    const policies = [ten, five, daily];
    await store.take('ada', policies, 1, 'first');
    expect(sent).toHaveLength(2);
    await store.take('ada', policies, 1, 'second');
    await store.take('ada', policies, 1, 'second');
    await store.take('ada', policies, 1);
    expect(sent).toHaveLength(5);
    expect((await store.peek('ada', policies, 1)).map(({ remaining }) => remaining)).toEqual([7, 2, 4]);
  });

  test('G2: a take with an id that runs too long after it was sent charges nothing', async () => {
    const clock = createFakeClock();
    const { sql } = database;
    const sent: string[] = [];
    // Between sending and running five seconds pass, once.
    const slow = postgresLimitStore({
      clock,
      sql: {
        ...sql,
        query: (text, values = []) => {
          sent.push(text);
          if (sent.length > 1) return sql.query(text, values);
          clock.advanceUs(5_000_001);
          return sql.query(text, [...values.slice(0, 5), clock.nowUs(), ...values.slice(6)]);
        },
      },
    });
    expect((await slow.take('ada', [ten], 3, 'id')).verdicts).toMatchObject([{ remaining: 7 }]);
    expect(sent).toHaveLength(2);
    // What comes too late each time is an error, and still charges nothing.
    const late = postgresLimitStore({
      clock,
      sql: {
        ...sql,
        query: (text, values = []) => sql.query(text, [...values.slice(0, 5), clock.nowUs() + 6e6, ...values.slice(6)]),
      },
    });
    await expect(late.take('ada', [ten], 3, 'other')).rejects.toThrow(/charged nothing/);
    expect(await slow.peek('ada', [ten], 1)).toMatchObject([{ remaining: 7 }]);
  });

  test('a quota counts by the store’s day, wherever this instance’s clock is', async () => {
    const clock = createFakeClock();
    const { sql } = database;
    const sent: string[] = [];
    // The store's clock is ten days ahead of what this instance believes.
    const ahead = postgresLimitStore({
      clock,
      sql: {
        ...sql,
        query: (text, values = []) => {
          sent.push(text);
          return sql.query(text, [...values.slice(0, 5), clock.nowUs() + 10 * 86_400e6, ...values.slice(6)]);
        },
      },
    });
    const { verdicts, atUs } = await ahead.take('ada', [daily], 3);
    expect(verdicts).toMatchObject([{ outcome: 'allowed', remaining: 4 }]);
    expect(atUs).toBe(clock.nowUs() + 10 * 86_400e6);
    expect(sent).toHaveLength(2);
    clock.advance('10d');
    expect(await postgresLimitStore({ sql, clock }).peek('ada', [daily], 1)).toMatchObject([{ remaining: 4 }]);
  });

  test('G2: 100 takes of 10 allow 10, over several pools, with and without a row', async () => {
    const pools = [1, 2, 3, 4].map(() => openPool(database.url));
    try {
      const stores = pools.map((pool) => postgresLimitStore({ sql: postgresRunner(pool) }));
      for (const policy of [ten, five, daily]) {
        const takes = Array.from({ length: 100 }, (_, at) => stores[at % stores.length]?.take('ada', [policy], 1));
        const answers = await Promise.all(takes);
        const allowed = answers.filter((answer) => answer?.verdicts[0]?.outcome === 'allowed');
        expect(allowed).toHaveLength(policy.capacity);
      }
    } finally {
      await Promise.all(pools.map((pool) => pool.end()));
    }
  });

  test('G2: an id that is taken by all at once is charged once', async () => {
    const pools = [1, 2, 3].map(() => openPool(database.url));
    try {
      const stores = pools.map((pool) => postgresLimitStore({ sql: postgresRunner(pool) }));
      const takes = Array.from({ length: 30 }, (_, at) => stores[at % stores.length]?.take('ada', [ten], 4, 'id'));
      for (const answer of await Promise.all(takes)) {
        expect(answer?.verdicts).toMatchObject([{ outcome: 'allowed', remaining: 6 }]);
      }
    } finally {
      await Promise.all(pools.map((pool) => pool.end()));
    }
  });

  test('policies in any order, with refunds, blocks, resets and pruning between, never wait for each other in a circle', async () => {
    const pools = [1, 2, 3, 4].map(() => openPool(database.url));
    try {
      const stores = pools.map((pool) => postgresLimitStore({ sql: postgresRunner(pool) }));
      const policies = [ten, five, daily];
      for (let round = 0; round < 8; round += 1) {
        const work = stores.flatMap((store, at) =>
          Array.from({ length: 25 }, async (_, n) => {
            const key = `key-${(at + n) % 4}`;
            const mine = n % 2 === 0 ? policies : policies.toReversed();
            const { atUs } = await store.take(key, mine, 1, n % 3 === 0 ? `id-${at}-${n}-${round}` : undefined);
            if (n % 5 === 0) await store.refund(key, mine, { cost: 1, takenAtUs: atUs });
            if (n % 7 === 0) await store.block(key, mine, 1);
            if (n % 11 === 0) await store.reset(key, mine);
            // Rows that others are using, too, as far as pruning can tell.
            if (n % 6 === 0) await endAll();
          }),
        );
        await Promise.all(work);
      }
    } finally {
      await Promise.all(pools.map((pool) => pool.end()));
    }
  });

  test('G7: rows that have ended make room for new ones, a few with each', async () => {
    const store = postgresLimitStore(database);
    for (let at = 0; at < 100; at += 1) await store.take(`old-${at}`, [ten], 1, `id-${at}`);
    expect(await count()).toBe(200);
    await endAll();
    for (let at = 0; at < 300; at += 1) await store.take(`new-${at}`, [ten], 1);
    expect(await count()).toBeLessThan(360);
    // Takes that make none remove some now and then, until none is left, and never one that still counts.
    await expect
      .poll(async () => {
        await Promise.all(Array.from({ length: 200 }, () => store.take('new-1', [vast], 1)));
        return count();
      })
      .toBe(301);
    expect((await storedRows(database, Date.now() * 1000)).length).toBe(301);
  });

  test('a hot row stays in its page: what takes change has no index', async () => {
    const store = postgresLimitStore(database);
    for (let n = 0; n < 500; n += 1) await store.take('hot', [vast], 1);
    await expect
      .poll(async () => {
        const { rows } = await database.sql.query<{ updates: string; hot: string }>(
          `SELECT pg_stat_force_next_flush()::text, n_tup_upd AS updates, n_tup_hot_upd AS hot FROM pg_stat_user_tables WHERE relname = 'limit_states'`,
        );
        return Number(rows[0]?.hot);
      })
      .toBeGreaterThan(490);
    expect(await size('limit_states')).toBeLessThan(200_000);
  });
});

const size = async (table: string) =>
  Number((await database.sql.query(`SELECT pg_total_relation_size('${table}') AS bytes`)).rows[0]?.bytes);
