import type { Duration } from '@spillway/kernel';
import { fixedWindow, gcra, type Policy, quota } from '@spillway/limit';
import { postgresLimitStore } from '@spillway/limit/postgres';
import { createFakeClock } from '@spillway/limit/testing';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
// The judge of all stores, which is no part of what the package offers.
import { pureStore } from '../../src/testing/pure-store.ts';
import { openPostgresAt, type TestPostgres } from '../support/open-postgres.ts';
import { policies as buckets, runs } from './arbitraries.ts';

let database: TestPostgres;

beforeAll(async () => {
  database = await openPostgresAt(inject('postgresUrl'));
});

afterAll(() => database.close());

const spans = fc.constantFrom<Duration>('1ms', '7ms', '1s', '1.001s', '13s', '1m', '1h', '1d', '25d', '365d');
const limits = fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 1e12 }));

const anyPolicy: fc.Arbitrary<Policy> = fc.oneof(
  buckets,
  fc
    .record({ limit: fc.integer({ min: 1, max: 50 }), every: spans, burst: fc.integer({ min: 0, max: 20 }) })
    .map((options) => gcra({ name: 'p', ...options })),
  fc
    .record({ limit: limits, window: spans, align: fc.constantFrom('clock' as const, 'first-hit' as const) })
    .map((options) => fixedWindow({ name: 'p', ...options })),
  fc
    .record({
      limit: limits,
      per: fc.constantFrom('day' as const, 'week' as const, 'month' as const),
      timeZone: fc.constantFrom('UTC', 'Europe/Berlin', 'Asia/Kathmandu', 'America/Sao_Paulo', 'Pacific/Apia'),
    })
    .map((options) => quota({ name: 'p', ...options })),
);

/** No step is given a later moment: the year 2112, less what 40 gaps add. */
const LATEST_US = 2 ** 52 - 40 * 40 * 86_400e6;

const gaps = fc.oneof(
  { arbitrary: fc.constant(0), weight: 5 },
  fc.integer({ min: 0, max: 3_000_000 }),
  fc.integer({ min: 0, max: 40 * 86_400e6 }),
  // A clock that steps back, at most over one edge of a quota.
  fc.integer({ min: -20 * 3_600e6, max: -1 }),
);

const operations = fc.array(
  fc.record({
    what: fc.constantFrom('take', 'take', 'take', 'owe', 'jump', 'jump', 'refund', 'peek'),
    byUs: gaps,
    part: fc.double({ min: 0, max: 1.1, noNaN: true }),
    one: fc.boolean(),
    off: fc.integer({ min: -1, max: 1 }),
    named: fc.boolean(),
  }),
  { minLength: 20, maxLength: 40 },
);

test('G2: PostgreSQL decides and counts like the pure steps, for any policies, costs and times', async () => {
  let run = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(anyPolicy, { minLength: 1, maxLength: 3 }), operations, async (some, sequence) => {
      run += 1;
      const key = `run ${run}\u0000\ud800`;
      const policies = some.map((policy, at) => renamed(policy, `p${at}`));
      const clock = createFakeClock();
      const pure = pureStore(clock);
      const store = postgresLimitStore({ sql: database.sql, clock });
      const capacity = Math.min(...policies.map((policy) => policy.capacity));
      let taken: { cost: number; takenAtUs: number } = { cost: 1, takenAtUs: clock.nowUs() };
      for (const { what, byUs, part, one, off, named } of sequence) {
        const cost = one ? 1 : Math.max(1, Math.ceil(capacity * part));
        // Repeated only while every store knows it.
        const id = named ? `id ${taken.cost} ${Math.floor(clock.nowUs() / 540e6)}` : undefined;
        if (what === 'jump') {
          // To an edge: the moment, the one before and the one after.
          const [verdict] = pure.peek(key, policies, 1);
          const us = (one ? verdict?.refillAfterUs : verdict?.resetAfterUs) ?? 0;
          if (clock.nowUs() + us < LATEST_US) clock.advanceUs(us + off);
        } else if (what === 'take') {
          clock.advanceUs(byUs);
          const expected = pure.take(key, policies, cost, id);
          expect(await store.take(key, policies, cost, id)).toEqual(expected);
          taken = { cost, takenAtUs: clock.nowUs() };
        } else if (what === 'owe') {
          // Of now, or of any time before.
          const owed = policies.map((policy) => ({
            units: named ? 0 : Math.floor(policy.capacity * part),
            atUs: one ? clock.nowUs() : Math.max(0, clock.nowUs() - Math.abs(byUs)),
          }));
          const { verdicts, atUs } = pure.reserve(key, policies, cost, { want: 0, parts: 1, owed });
          expect(await store.takeOwing?.(key, policies, cost, owed)).toEqual({ verdicts, atUs });
        } else if (what === 'refund') {
          const back = one ? taken : { cost };
          pure.refund(key, policies, back);
          await store.refund(key, policies, back);
        }
        expect(await store.peek(key, policies, cost)).toEqual(pure.peek(key, policies, cost));
      }
    }),
    runs(300),
  );
});

const renamed = <P extends Policy>(policy: P, name: string): P =>
  Object.freeze(
    policy.strategy === 'gcra' ? { ...policy, name, bucket: { ...policy.bucket, name } } : { ...policy, name },
  );
