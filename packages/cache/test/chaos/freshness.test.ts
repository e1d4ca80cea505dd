import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { startFaultProxy, startRedis } from '@spillway/testkit';
import { describe, expect, inject, test } from 'vitest';
import { checkFreshness } from '../support/check-freshness.ts';
import { createBin } from '../support/redis-fixture.ts';
import { type Instance, startInstance } from '../support/start-instance.ts';

/** The ceiling of L1, and what a busy machine may add between an answer and its time stamp. */
const WITHIN_MS = 5_000 + 500;

const prefix = `row-${randomUUID()}`;
const keys = (of: string): string[] => Array.from({ length: 5 }, (_, at) => `${prefix}-${of}-${at}`);

// Side by side: each has servers of its own, and waits for seconds.
describe('G5 over a history', { concurrent: true }, () => {
  test('G5: whatever happens to Redis, no answer is older than a write that was answered 5 seconds before', async ({
    onTestFinished,
  }) => {
    const bin = createBin();
    onTestFinished(() => bin.empty());
    const redis = bin.keep(await startRedis());
    const proxy = bin.keep(await startFaultProxy({ target: redis }));
    const own = { truthUrl: inject('redisUrl'), cache: `c-${randomUUID()}`, deadline: '100ms' } as const;
    const all = await Promise.all(
      [redis.url, redis.url, proxy.url(redis.url)].map((url, at) =>
        startInstance({ ...own, name: `i${at}`, redisUrl: url, busUrl: url }).then((one) => bin.keep<Instance>(one)),
      ),
    );
    const soaks = Promise.all(all.map((one) => one.soak(keys('chaos'), 22_000)));
    const faults = async (): Promise<void> => {
      await pause(1_000);
      redis.pause();
      await pause(1_500);
      redis.resume();
      await pause(1_500);
      await proxy.cut();
      await pause(1_000);
      await proxy.restore();
      await pause(1_000);
      await redis.saveSnapshot();
      await pause(1_000);
      await redis.command('FLUSHALL');
      await pause(1_000);
      // All that was deleted since the snapshot is back.
      await redis.restoreSnapshot();
      await pause(3_000);
      redis.pause();
      await pause(500);
      redis.resume();
    };
    await faults();
    const histories = await soaks;
    const reads = histories.flatMap(({ seen }) => seen).length;
    const tiers = new Set(histories.flatMap(({ seen }) => seen.map(([, , , from]) => from)));
    expect(reads).toBeGreaterThan(1_000);
    expect([...tiers]).toEqual(expect.arrayContaining(['l1', 'l2', 'loader']));
    expect(histories.map(({ failed }) => failed)).toEqual([0, 0, 0]);
    expect(checkFreshness(histories, WITHIN_MS)).toEqual([]);
  });

  test('the check notices instances without a bus whose L1 is fresh for a minute', async ({ onTestFinished }) => {
    const bin = createBin();
    onTestFinished(() => bin.empty());
    const url = inject('redisUrl');
    const l1 = { maxEntries: 100, ttl: '60s' } as const;
    const own = { truthUrl: url, redisUrl: url, cache: `c-${randomUUID()}`, deadline: '5s', l1 } as const;
    const all = await Promise.all(
      ['a', 'b'].map((name) => startInstance({ ...own, name }).then((one) => bin.keep<Instance>(one))),
    );
    const [reader, writer] = all as [Instance, Instance];
    await Promise.all(keys('control').map((key) => reader.write(key, '1')));
    const histories = await Promise.all([
      reader.soak([], 8_000),
      reader.soak(keys('control'), 8_000),
      writer.soak(keys('control'), 8_000),
    ]);
    // Its own writes keep the reader's L1 young; what it reads between them does not.
    expect(checkFreshness(histories, 50)).not.toEqual([]);
  });
});
