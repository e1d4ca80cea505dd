/**
 * One of several processes that take by leases, steadily, in bursts and skewed. `go` starts, `instances` prints how many it counts, `stop`
 * closes its limiters as SIGTERM would have an application do, and ends. `LEASER` in the environment holds a LeaserSettings.
 */
import { openSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as pause, setImmediate } from 'node:timers/promises';
import { seededRandom } from '@spillway/kernel';
import { createLimiter, fixedWindow, type Limiter, type LimitStore, tokenBucket } from '@spillway/limit';
import { redisLimitStore } from '@spillway/limit/redis';
import { connectRedis, redisPresence } from '@spillway/redis';
import { zipf } from '@spillway/testkit';
import { type Admission, CAPACITY, type LeaserMutant, type LeaserSettings, PER_SECOND } from './leaser-settings.ts';

const settings: LeaserSettings = JSON.parse(process.env.LEASER ?? '{}');
const { redisUrl, prefix, instance, file, deadline, maxAgeMs, mutant } = settings;

// The same clock in all processes of a machine, unlike performance.now(). What the limiter read last is when it spent.
let readUs = 0;
const clock = {
  nowUs: () => {
    readUs = Number(process.hrtime.bigint() / 1000n);
    return readUs;
  },
};

function broken(store: LimitStore, how: LeaserMutant): LimitStore {
  const isEarly = how === 'spending before reserving';
  return {
    ...store,
    async reserve(key, policies, cost, asked) {
      const answer = await store.reserve?.(key, policies, cost, isEarly ? { ...asked, want: 0 } : asked);
      if (answer === undefined) throw new Error('This store gives no leases');
      return isEarly ? { ...answer, granted: asked.want } : { ...answer, windowLeftUs: Number.POSITIVE_INFINITY };
    },
  };
}

const link = connectRedis({ url: redisUrl, deadline });
const presence = redisPresence(link, { instance, prefix });
const sound = redisLimitStore({ link, prefix });
const store = mutant === undefined ? sound : broken(sound, mutant);
const lease = { maxAge: `${maxAgeMs}ms` } as const;
const limiters = {
  bucket: createLimiter(
    {
      policy: tokenBucket({ name: 'b', capacity: CAPACITY, refill: { tokens: PER_SECOND, every: '1s' } }),
      mode: 'lease',
      lease,
    },
    { store, presence, clock },
  ),
  window: createLimiter(
    { policy: fixedWindow({ name: 'w', limit: CAPACITY, window: '1s' }), mode: 'lease', lease },
    { store, presence, clock },
  ),
};

const admissions = openSync(file, 'a');
let running = false;

async function take(policy: 'bucket' | 'window', limiter: Limiter, key: string): Promise<boolean> {
  const taking = limiter.take(key);
  const spentUs = readUs;
  const decision = await taking;
  if (decision.outcome === 'denied') return false;
  const by = decision.decidedBy as Admission['by'];
  const atUs = by === 'store' ? (decision.chargedAtUs ?? Number.NaN) : by === 'lease' ? spentUs : clock.nowUs();
  writeSync(admissions, `${JSON.stringify({ policy, key, by, atUs } satisfies Admission)}\n`);
  return true;
}

const random = seededRandom(instance.length + instance.charCodeAt(instance.length - 1));
const nextSkewed = zipf(20, random);

/** How many takes follow each other, of which keys, and how long the pause is then. */
const loads: readonly { readonly key: () => string; readonly count: number; readonly pauseMs: number }[] = [
  { key: () => 'steady', count: 1, pauseMs: 10 },
  { key: () => 'beyond', count: 3, pauseMs: 2 },
  { key: () => 'bursty', count: 300, pauseMs: 900 },
  { key: () => `skewed-${nextSkewed()}`, count: 2, pauseMs: 2 },
];

async function run(policy: 'bucket' | 'window', { key, count, pauseMs }: (typeof loads)[number]): Promise<void> {
  while (running) {
    for (let taken = 0; taken < count && running; taken += 1) {
      if (!(await take(policy, limiters[policy], key()))) break;
      // Leased takes are answered at once, and would keep the event loop from everything else.
      if (taken % 16 === 15) await setImmediate();
    }
    await pause(pauseMs);
  }
}

/** Takes a little just before each second of the wall clock, so as to have a lease then, and all that it can get just after it. */
async function runEdges(policy: 'bucket' | 'window'): Promise<void> {
  const takes = async (count: number) => {
    for (let taken = 0; taken < count && running; taken += 1)
      if (!(await take(policy, limiters[policy], 'edge'))) return;
  };
  while (running) {
    await pause((1850 - (Date.now() % 1000)) % 1000);
    await takes(45);
    await pause(1020 - (Date.now() % 1000));
    await takes(300);
  }
}

await link.ready({ timeout: '20s' });
console.log('ready');
let loops: Promise<void>[] = [];
for await (const line of createInterface({ input: process.stdin })) {
  if (line === 'go') {
    running = true;
    const policies = ['bucket', 'window'] as const;
    loops = policies.flatMap((policy) => [...loads.map((load) => run(policy, load)), runEdges(policy)]);
  } else if (line === 'instances') console.log(`counts ${presence.instances}`);
  else if (line === 'stop') {
    running = false;
    await Promise.all(loops);
    await Promise.all(Object.values(limiters).map((limiter) => limiter.close()));
    break;
  }
}
await presence.close();
await link.close();
process.exit(0);
