// One process of the benchmark `cache-stampede`: for each line `KEY CALLERS` so many callers ask for the key at once, and it reports.
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { createCache } from '@spillway/cache';
import { redisCacheStore } from '@spillway/cache/redis';
import { connectRedis, redisBus } from '@spillway/redis';

/** What became of one line. */
export interface Stampede {
  readonly loads: number;
  readonly wrong: number;
  /** From the line to the last answer. */
  readonly ms: number;
  readonly cpuMs: number;
}

const link = connectRedis({ url: process.env.REDIS_URL ?? '', deadline: '5s' });
const bus = redisBus(link, { instance: `stampeder ${process.pid}` });
const across = process.env.ACROSS as 'process' | 'processes';
const loads = { concurrent: 64, queued: 1_024, hardTimeout: '30s', across } as const;
// Without L1 every caller after the first flight asks Redis.
const cache = createCache<string>({
  name: 'stampede',
  ttl: '1h',
  l1: 'off',
  l2: redisCacheStore({ link }),
  bus,
  loads,
});
await link.ready();
while (!bus.live) await sleep(10);

const textOf = (key: string): string => key.padEnd(1_000, 'x');

async function stampede(key: string, callers: number): Promise<Stampede> {
  const began = performance.now();
  const cpu = process.cpuUsage();
  let loads = 0;
  const load = async (): Promise<string> => {
    loads += 1;
    await sleep(Number(process.env.LOAD_MS));
    return textOf(key);
  };
  const values = await Promise.all(Array.from({ length: callers }, () => cache.get(key, load)));
  const ms = performance.now() - began;
  const { user, system } = process.cpuUsage(cpu);
  const wrong = values.filter((value) => value !== textOf(key)).length;
  return { loads, wrong, ms, cpuMs: (user + system) / 1_000 };
}

createInterface({ input: process.stdin })
  .on('line', async (line) => {
    const [key = '', callers] = line.split(' ');
    if (callers === 'invalidate') console.log(`done ${await cache.invalidate({ key })}`);
    else console.log(`done ${JSON.stringify(await stampede(key, Number(callers)))}`);
  })
  .on('close', () => process.exit(0));
console.log('ready');
