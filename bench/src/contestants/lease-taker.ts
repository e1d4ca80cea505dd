/**
 * One process of the benchmark `limit-lease`: each line of stdin is a phase, in which it takes as fast as it can, and which it reports.
 * `LEASE_TAKER` in the environment holds a TakerSettings.
 */
import { writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { seededRandom } from '@spillway/kernel';
import { createLimiter, tokenBucket } from '@spillway/limit';
import { redisLimitStore } from '@spillway/limit/redis';
import { connectRedis, redisPresence } from '@spillway/redis';
import { zipf } from '@spillway/testkit';
import type { Redis } from 'ioredis';
import { clients } from '../limits/in-flight.ts';
import { rateLimiterFlexible } from '../limits/peers.ts';
import { fastClient } from '../limits/redis-contestants.ts';

export interface TakerSettings {
  readonly redisUrl: string;
  readonly instance: string;
  /** So many count each other before it is ready. */
  readonly instances: number;
  readonly maxAgeMs: number;
}

export interface PhasePlan {
  readonly contestant: 'Spillway' | 'rate-limiter-flexible';
  /** Over the first so many keys, in turns or by a Zipf law. */
  readonly keys: number;
  readonly skewed: boolean;
  /** The limit of each key, and its capacity: of Spillway's alone. */
  readonly perSecond: number;
  /** When it begins, by Redis's clock. */
  readonly startMs: number;
  readonly warmMs: number;
  readonly measuredMs: number;
  /** Where its admissions are kept: see LeaseHistory. */
  readonly file: string;
}

export interface Phase {
  readonly decisions: number;
  readonly refused: number;
  /** Of the decisions: those that asked nobody. */
  readonly leased: number;
  readonly ms: number;
  /** User and system time of this process. */
  readonly cpuUs: number;
  readonly clockErrorMs: number;
}

/** Takes at once. */
const IN_FLIGHT = 256;
/** Far above what is taken. */
const PLENTY = 10_000_000;
const SEQUENCE = 2 ** 16;
/** A phase may end so much later than planned. */
const SLACK_MS = 1000;

const settings: TakerSettings = JSON.parse(process.env.LEASE_TAKER ?? '{}');
const { redisUrl, instance, instances, maxAgeMs } = settings;

let readUs = 0;
// What the limiter read last is when it spent.
const clock = {
  nowUs: () => {
    readUs = Math.round(performance.now() * 1000);
    return readUs;
  },
};

const link = connectRedis({ url: redisUrl, deadline: '10s' });
const presence = redisPresence(link, { instance, prefix: 'bench-lease' });
const store = redisLimitStore({ link, prefix: 'bench-lease' });
const client = fastClient(redisUrl);
const peer = await rateLimiterFlexible(redisUrl, PLENTY);
const { aheadUs, errorUs } = await clockOffset(client);
await link.ready();
while (presence.instances < instances) await sleep(50);

type Limiter = ReturnType<typeof createLimiter>;
const limiters = new Map<number, Limiter>();

function limiterOf(perSecond: number): Limiter {
  let limiter = limiters.get(perSecond);
  if (limiter === undefined) {
    const name = `per-second-${perSecond}`;
    const policy = tokenBucket({ name, capacity: perSecond, refill: { tokens: perSecond, every: '1s' } });
    const lease = { maxAge: `${maxAgeMs}ms` } as const;
    limiter = createLimiter({ policy, mode: 'lease', lease }, { store, presence, clock });
    limiters.set(perSecond, limiter);
  }
  return limiter;
}

async function runPhase({ contestant, keys, skewed, perSecond, ...plan }: PhasePlan): Promise<Phase> {
  const names = clients(keys);
  const random = seededRandom(instance.charCodeAt(instance.length - 1));
  const draw = skewed ? zipf(keys, random) : (at: number) => at % keys;
  const sequence = Uint32Array.from({ length: SEQUENCE }, (_, at) => draw(at));
  const rows = plan.warmMs + plan.measuredMs + SLACK_MS;
  const admitted = new Uint16Array(rows * keys);
  const limiter = limiterOf(perSecond);
  const counted = { decisions: 0, refused: 0, leased: 0 };
  let next = 0;
  let running = true;

  // Takes that are decided at once would keep the event loop from all else: an application gets its requests from it.
  let sinceTurn = 0;
  let turn: Promise<void> | undefined;
  const nextTurn = (): Promise<void> => {
    turn ??= new Promise((resolve) => {
      setImmediate(() => {
        turn = undefined;
        sinceTurn = 0;
        resolve();
      });
    });
    return turn;
  };

  const takeOurs = async (): Promise<void> => {
    while (running) {
      const key = sequence[next++ % SEQUENCE] as number;
      const taking = limiter.take(names[key] as string);
      const spentUs = readUs;
      const decision = await taking;
      counted.decisions += 1;
      if (decision.outcome === 'denied') counted.refused += 1;
      else {
        if (decision.decidedBy === 'lease') counted.leased += 1;
        else if (decision.decidedBy !== 'store') throw new Error(`A take was decided by the ${decision.decidedBy}`);
        const atUs = decision.decidedBy === 'lease' ? spentUs + aheadUs : (decision.chargedAtUs ?? Number.NaN);
        const row = Math.floor(atUs / 1000 - plan.startMs);
        if (!(row >= 0 && row < rows)) throw new Error(`An admission came ${row} ms after the start`);
        admitted[row * keys + key] = (admitted[row * keys + key] as number) + 1;
      }
      sinceTurn += 1;
      if (sinceTurn >= IN_FLIGHT) await nextTurn();
    }
  };
  const takeTheirs = async (): Promise<void> => {
    while (running) {
      const key = sequence[next++ % SEQUENCE] as number;
      const isAdmitted = await peer.take(names[key] as string);
      counted.decisions += 1;
      if (!isAdmitted) counted.refused += 1;
      sinceTurn += 1;
      if (sinceTurn >= IN_FLIGHT) await nextTurn();
    }
  };

  const redisMs = (): number => (performance.now() * 1000 + aheadUs) / 1000;
  await sleep(Math.max(0, plan.startMs + 10 - redisMs()));
  const taking = Promise.all(Array.from({ length: IN_FLIGHT }, contestant === 'Spillway' ? takeOurs : takeTheirs));
  await Promise.race([sleep(plan.warmMs), taking]);
  const before = { ...counted };
  const cpu = process.cpuUsage();
  const startedAt = performance.now();
  await Promise.race([sleep(plan.measuredMs), taking]);
  const ms = performance.now() - startedAt;
  const { user, system } = process.cpuUsage(cpu);
  const phase = {
    decisions: counted.decisions - before.decisions,
    refused: counted.refused - before.refused,
    leased: counted.leased - before.leased,
    ms,
    cpuUs: user + system,
    clockErrorMs: errorUs / 1000,
  };
  running = false;
  await taking;
  writeFileSync(plan.file, admitted);
  return phase;
}

/** By how much Redis's clock is ahead of this process's monotonic one, and how far off that can be. */
async function clockOffset(redis: Redis): Promise<{ aheadUs: number; errorUs: number }> {
  let best = { aheadUs: 0, errorUs: Number.POSITIVE_INFINITY };
  for (let look = 0; look < 50; look += 1) {
    const sentUs = performance.now() * 1000;
    const [seconds, micros] = await redis.time();
    const halfUs = (performance.now() * 1000 - sentUs) / 2;
    if (halfUs >= best.errorUs) continue;
    best = { aheadUs: Number(seconds) * 1e6 + Number(micros) - sentUs - halfUs, errorUs: halfUs };
  }
  return best;
}

console.log('ready');
for await (const line of createInterface({ input: process.stdin })) {
  console.log(`phase ${JSON.stringify(await runPhase(JSON.parse(line) as PhasePlan))}`);
}
await Promise.all([...limiters.values()].map((limiter) => limiter.close()));
process.exit(0);
