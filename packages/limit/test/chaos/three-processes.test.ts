import { setTimeout as pause } from 'node:timers/promises';
import { peekTokens, tokenBucket } from '@spillway/limit';
import { redisLimitStore } from '@spillway/limit/redis';
import { connectRedis, createKeys, type RedisLink } from '@spillway/redis';
import { type RedisServer, startRedis } from '@spillway/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { keysUnder } from '../support/redis-keys.ts';
import { startTakers, type Takers } from '../support/start-takers.ts';
import type { TakerReport } from '../support/taker-settings.ts';

const capacity = 600;
const perSecond = 90;
const first = 500;
const prefix = 'g2';
const keys = ['ada', 'gr{a}ce', 'a*'];
// No whole number of microseconds a token, on purpose.
const policy = tokenBucket({ name: 'p', capacity, refill: { tokens: perSecond, every: '1s' } });

const keyOf = createKeys({ prefix, package: 'limit', version: 2 });

/** A bucket as Redis keeps it: sixteen digits of microseconds, and three of the fraction if there is one. */
function bucketOf(value = ''): { fullAtUs: number; fraction: number } {
  const [, fullAtUs, fraction = 0] = /^(\d{16})(\d{3})?$/.exec(value) ?? [];
  return { fullAtUs: Number(fullAtUs), fraction: Number(fraction) };
}

let redis: RedisServer;
let link: RedisLink;
let takers: Takers;

beforeAll(async () => {
  redis = await startRedis();
  link = connectRedis({ url: redis.url, deadline: '20s' });
  await link.ready({ timeout: '10s' });
  takers = await startTakers(3, { redisUrl: redis.url, prefix, keys, capacity, perSecond });
});

afterAll(async () => {
  await takers?.close();
  await link?.close();
  await redis?.close();
});

const serverUs = async (): Promise<number> => {
  const [seconds, micros] = (await redis.command('TIME')) as [string, string];
  return Number(seconds) * 1_000_000 + Number(micros);
};

const admitted = (reports: readonly TakerReport[], key: string, by: 'store' | 'share'): number =>
  reports.reduce((sum, report) => sum + (report.keys[key]?.[by] ?? 0), 0);

describe('three processes on one Redis', () => {
  test('G2: together admit exactly what the policy allows, through SCRIPT FLUSH and a process that stands still', async () => {
    // A large first take at a known time, so that the bucket is not full again before the others begin.
    const store = redisLimitStore({ link, prefix });
    const beforeUs = await serverUs();
    for (const key of keys) await store.take(key, [policy], first);
    const begunUs = await serverUs();
    takers.go();
    await pause(700);
    for (let flush = 0; flush < 3; flush += 1) {
      await redis.command('SCRIPT', 'FLUSH');
      await pause(200);
    }
    takers.processes[0]?.pause();
    await pause(500);
    takers.processes[0]?.resume();
    await pause(500);
    const reports = await takers.stop();
    const afterUs = await serverUs();

    for (const key of keys) {
      const granted = first + admitted(reports, key, 'store');
      expect(admitted(reports, key, 'share'), 'everything was decided by the store').toBe(0);
      expect(granted).toBeLessThanOrEqual(capacity + ((afterUs - beforeUs) * perSecond) / 1e6);

      // And nothing is lost or charged twice: the bucket was never full again after its first take, so the moment it will be full
      // is that take's plus the time of all tokens granted since.
      const kept = (await keysUnder(link, prefix)).find(({ name }) => name === keyOf(key, 'b', policy.name));
      const { fullAtUs, fraction } = bucketOf(kept?.value);
      const firstUs = fullAtUs - Math.floor((granted * 1e6) / perSecond);
      expect(firstUs).toBeGreaterThanOrEqual(beforeUs - 1);
      expect(firstUs).toBeLessThanOrEqual(begunUs + 1);
      expect(peekTokens(policy, { fullAtUs, fraction }, afterUs, 1).remaining).toBeLessThan(capacity);
      expect(kept?.ttlMs).toBeGreaterThan(0);
    }
  });

  test('G3: with Redis gone, each goes on with its share, and with Redis back the store decides again', async () => {
    await takers.knowInstances(3);
    await redis.stop();
    const beforeMs = performance.now();
    takers.go();
    await pause(1500);
    const reports = await takers.stop();
    const elapsedS = (performance.now() - beforeMs) / 1000;
    for (const key of keys) {
      const granted = admitted(reports, key, 'share');
      expect(admitted(reports, key, 'store')).toBe(0);
      expect(granted).toBeLessThanOrEqual(capacity + elapsedS * perSecond);
      // They ask for far more than that: each admits all of its share.
      expect(granted).toBeGreaterThanOrEqual(capacity);
      for (const report of reports) {
        expect(report.keys[key]?.share).toBeLessThanOrEqual(capacity / 3 + (elapsedS * perSecond) / 3);
      }
    }

    await redis.restart();
    await expect
      .poll(
        async () => {
          takers.go();
          await pause(100);
          const back = await takers.stop();
          return keys.every((key) => admitted(back, key, 'store') > 0 && admitted(back, key, 'share') === 0);
        },
        { timeout: 20_000, interval: 200 },
      )
      .toBe(true);
  });
});
