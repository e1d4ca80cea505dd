import {
  concurrency,
  createLimiter,
  fixedWindow,
  gcra,
  type Policy,
  quota,
  slidingLog,
  slidingWindow,
  tokenBucket,
} from '@spillway/limit';
import { redisLimitStore } from '@spillway/limit/redis';
import { connectRedis } from '@spillway/redis';
import { startRedis } from '@spillway/testkit';
import { defineBench } from '../harness.ts';
import { clients } from '../limits/in-flight.ts';
import { fastClient } from '../limits/redis-contestants.ts';

const AT_ONCE = 2000;

const POLICIES: readonly Policy[] = [
  tokenBucket({ name: 'api', capacity: 100, refill: { tokens: 100, every: '1d' } }),
  gcra({ name: 'api', limit: 100, every: '1d', burst: 10 }),
  fixedWindow({ name: 'api', limit: 100, window: '1d' }),
  quota({ name: 'api', limit: 100, per: 'month', timeZone: 'Europe/Berlin' }),
  slidingWindow({ name: 'api', limit: 100, window: '1d', subWindows: 24 }),
  slidingLog({ name: 'api', limit: 100, window: '1d' }),
  concurrency({ name: 'api', limit: 100, lease: '1d' }),
];

const GATED: ReadonlySet<string> = new Set(['token-bucket', 'gcra', 'fixed-window']);

export const bench = defineBench({
  name: 'limit-bytes',
  question: 'How much memory of Redis does a key take, by strategy, of a million keys with one take each?',
  async run({ size, log }) {
    const keys = clients(size === 'full' ? 1_000_000 : 2000);
    await using redis = await startRedis();
    const client = fastClient(redis.url);
    const link = connectRedis({ url: redis.url, deadline: '10s' });
    await link.ready();
    try {
      const fill = async (write: (key: string) => Promise<unknown>): Promise<number> => {
        await client.flushall('SYNC');
        const before = await usedBytes();
        for (let at = 0; at < keys.length; at += AT_ONCE) await Promise.all(keys.slice(at, at + AT_ONCE).map(write));
        const bytes = (await usedBytes()) - before;
        await checkKeys();
        return bytes / keys.length;
      };
      const usedBytes = async (): Promise<number> => Number(/used_memory:(\d+)/.exec(await client.info('memory'))?.[1]);
      const checkKeys = async (): Promise<void> => {
        const [, held, ending] = /keys=(\d+),expires=(\d+)/.exec(await client.info('keyspace')) ?? [];
        if (Number(held) === keys.length && Number(ending) === keys.length) return;
        throw new Error(`Redis holds ${held} keys, ${ending} of them with an end, for ${keys.length} clients`);
      };
      const prefix = 'spillway';
      const counter = await fill((key) => client.set(`${prefix}:limit:v2:{${key}}:b:api`, 1, 'PX', 86_400_000));
      const figures = [{ contestant: 'a counter with an end', values: { 'bytes/key': counter } }];
      const ratios = [];
      for (const policy of POLICIES) {
        const store = redisLimitStore({ link, prefix });
        const limiter = createLimiter({ policy }, { store, presence: { instances: 1 } });
        const id = policy.strategy === 'concurrency' ? { id: 'holder' } : {};
        // The script itself is not a key's.
        await limiter.take('first', id);
        const bytes = await fill(async (key) => {
          const { outcome, decidedBy } = await limiter.take(key, id);
          if (outcome !== 'allowed' || decidedBy !== 'store')
            throw new Error(`${policy.strategy}: ${outcome} by ${decidedBy}`);
        });
        figures.push({ contestant: policy.strategy, values: { 'bytes/key': bytes } });
        ratios.push({
          what: `bytes of a ${policy.strategy} to a counter`,
          value: bytes / counter,
          better: 'lower' as const,
          ...(GATED.has(policy.strategy) ? { bar: 1 } : {}),
        });
        log(`${policy.strategy}: ${bytes.toFixed(1)} bytes a key, a counter ${counter.toFixed(1)}`);
      }
      return {
        figures,
        ratios,
        checked: 'Every take was admitted by Redis, which held one key with an end for each client afterwards.',
        notes: [
          'used_memory after less before, divided by the keys: name, value, entry in both tables and their slack. The counter has a name as long as the keys of the strategies.',
        ],
        chart: 'bytes/key',
      };
    } finally {
      await link.close();
      client.disconnect();
    }
  },
});
