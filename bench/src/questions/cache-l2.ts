import { createCache } from '@spillway/cache';
import { redisCacheStore } from '@spillway/cache/redis';
import { connectRedis } from '@spillway/redis';
import { startRedis, until } from '@spillway/testkit';
import { Redis } from 'ioredis';
import { defineBench, inTurns, median, medianRatio } from '../harness.ts';

const AT_ONCE = 64;

interface Record1k {
  readonly id: string;
  readonly text: string;
  readonly tags: readonly string[];
}

const record = (id: string): Record1k => ({ id, text: id.padEnd(900, 'x'), tags: ['one', 'two', 'three'] });

interface Round {
  readonly perSecond: number;
  readonly cpuUs: number;
}

export const bench = defineBench({
  name: 'cache-l2',
  question: 'What does a get cost that finds 1 kB in Redis, beside a bare GET and JSON.parse?',
  async run({ size }) {
    const [rounds, gets, count] = size === 'full' ? [7, 20_000, 5_000] : [1, 500, 100];
    const redis = await startRedis();
    const link = connectRedis({ url: redis.url, deadline: '5s' });
    const raw = new Redis(redis.url, { enableAutoPipelining: true });
    const cache = createCache<Record1k>({ name: 'bench', ttl: '1h', l1: 'off', l2: redisCacheStore({ link }) });
    try {
      await link.ready({ timeout: '20s' });
      const keys = Array.from({ length: count }, (_, i) => `user:${i}`);
      for (const key of keys) {
        await cache.get(key, async () => record(key));
        await raw.set(`raw:${key}`, JSON.stringify(record(key)));
      }
      // Nobody waits for fills; and the first look-ups of a process find nothing fresh, before they know the time of Redis.
      await until(async () => {
        const { loader } = cache.stats().answers;
        for (const key of keys) await cache.get(key, async () => record(key));
        return cache.stats().answers.loader === loader;
      });
      const never = () => Promise.reject(new Error('a get went past Redis'));
      const contestants = {
        raw: (key: string) => raw.get(`raw:${key}`).then((text) => JSON.parse(text ?? 'null') as Record1k | undefined),
        ours: (key: string) => cache.get(key, never),
      };
      const drive = (get: (key: string) => Promise<Record1k | undefined>) => async (): Promise<Round> => {
        let next = 0;
        const cpu = process.cpuUsage();
        const began = performance.now();
        const worker = async (): Promise<void> => {
          while (next < gets) {
            const key = keys[next % count] as string;
            next += 1;
            const value = await get(key);
            if (value?.id !== key || value.text.length !== 900) throw new Error(`${key} came back wrong`);
          }
        };
        await Promise.all(Array.from({ length: AT_ONCE }, worker));
        const { user, system } = process.cpuUsage(cpu);
        return { perSecond: (gets * 1_000) / (performance.now() - began), cpuUs: (user + system) / gets };
      };
      const turns = { raw: drive(contestants.raw), ours: drive(contestants.ours) };
      await turns.raw();
      await turns.ours();
      const taken = await inTurns(rounds, turns);
      const of = (who: 'raw' | 'ours', what: keyof Round) => taken[who].map((round) => round[what]);
      const row = (contestant: string, who: 'raw' | 'ours') => ({
        contestant,
        values: { 'gets/s': median(of(who, 'perSecond')), 'CPU us/get': median(of(who, 'cpuUs')) },
      });
      return {
        figures: [row('ioredis GET + JSON.parse', 'raw'), row('Spillway, L1 off', 'ours')],
        ratios: [
          {
            what: 'gets/s to GET + JSON.parse',
            value: medianRatio(of('ours', 'perSecond'), of('raw', 'perSecond')),
            bar: 0.8,
            beyond: 0.95,
            better: 'higher',
          },
          {
            what: 'gets per second of CPU to GET + JSON.parse',
            value: medianRatio(of('raw', 'cpuUs'), of('ours', 'cpuUs')),
            bar: 0.8,
            beyond: 0.95,
            better: 'higher',
          },
        ],
        checked: `${gets.toLocaleString('en-US')} gets a round, every one with its own value from Redis; ours frozen.`,
        notes: [
          `${AT_ONCE} gets at a time over ${count.toLocaleString('en-US')} keys, both clients with auto-pipelining, one process; Redis on the same machine.`,
        ],
        chart: 'gets/s',
      };
    } finally {
      await cache.close();
      await link.close();
      raw.disconnect();
      await redis.close();
    }
  },
});
