import { createLimiter, memoryLimitStore, tokenBucket } from '@spillway/limit';
import { RateLimiterMemory } from 'rate-limiter-flexible';
import { defineBench, inTurns, median, medianRatio } from '../harness.ts';
import { checkLimit, clients, type Take } from '../limits/in-flight.ts';
import { refusedOrFailed } from '../limits/peers.ts';

const KEYS = 1000;
const CHECKED = 100;
const PLENTY = 1_000_000;

const PEER = 'rate-limiter-flexible';

export const bench = defineBench({
  name: 'limit-memory',
  question: 'How many decisions a second in process, over 1,000 keys?',
  async run({ size, log }) {
    const [rounds, decisions] = size === 'full' ? [7, 1_000_000] : [1, 20_000];
    const sizes = size === 'full' ? [1000, 10_000, 100_000, 1_000_000] : [1000];
    await checkLimit('Spillway', spillway(CHECKED).take, CHECKED);
    await checkLimit('Spillway, takeNow', spillwayNow(CHECKED).take, CHECKED);
    await checkLimit(PEER, flexible(CHECKED).take, CHECKED);
    const keys = clients(KEYS);
    const ours = spillway(PLENTY);
    const oursNow = spillwayNow(PLENTY);
    const theirs = flexible(PLENTY);
    const contestants = {
      Spillway: () => timed(decisions, keys, ours),
      'Spillway, takeNow': () => timed(decisions, keys, oursNow),
      [PEER]: () => timed(decisions, keys, theirs),
    };
    // Warm-up.
    for (const run of Object.values(contestants)) await run();
    const taken = await inTurns(rounds, contestants);
    const peer = taken[PEER] ?? [];
    const figures = Object.entries(taken).map(([contestant, each]) => ({
      contestant,
      values: { 'decisions/s': median(each) },
    }));
    for (const count of sizes) {
      const many = clients(count);
      const own = spillway(PLENTY, Math.max(count, 100_000));
      const other = flexible(PLENTY);
      for (const [contestant, each] of [['Spillway', own] as const, [PEER, other] as const]) {
        await timed(count, many, each);
        const perSecond = await timed(Math.max(count, decisions), many, each);
        figures.push({
          contestant: `${contestant}, ${count.toLocaleString('en-US')} keys`,
          values: { 'decisions/s': perSecond },
        });
      }
    }
    for (const { contestant, values } of figures) log(`${contestant}: ${Math.round(values['decisions/s'])} a second`);
    return {
      figures,
      ratios: [
        {
          what: `decisions/s to ${PEER}, each awaited`,
          value: medianRatio(taken.Spillway ?? [], peer),
          bar: 1,
          beyond: 2,
          better: 'higher',
        },
        {
          what: `decisions/s of takeNow, which waits for nothing, to ${PEER}`,
          value: medianRatio(taken['Spillway, takeNow'] ?? [], peer),
          better: 'higher',
        },
      ],
      checked: 'Of 150 takes of each of three keys, exactly 100 were admitted; all others were admitted.',
      notes: [
        'One process, one take after the other. The peer has a fixed window and answers by promise only; Spillway keeps a token bucket.',
      ],
      chart: 'decisions/s',
    };
  },
});

/** A limiter in its own program: what one awaits, written as its documentation has it. */
interface Contestant {
  readonly take: Take;
  /** Takes so many, one after the other. How many were refused. */
  run(decisions: number, keys: readonly string[]): Promise<number>;
}

function limiterOf(limit: number, maxKeys: number) {
  const policy = tokenBucket({ name: 'api', capacity: limit, refill: { tokens: limit, every: '1h' } });
  return createLimiter({ policy }, { store: memoryLimitStore({ maxKeys }) });
}

function spillway(limit: number, maxKeys = 100_000): Contestant {
  const limiter = limiterOf(limit, maxKeys);
  return {
    take: async (key) => (await limiter.take(key)).outcome === 'allowed',
    async run(decisions, keys) {
      let refused = 0;
      for (let at = 0; at < decisions; at += 1) {
        const { outcome } = await limiter.take(keys[at % keys.length] as string);
        if (outcome === 'denied') refused += 1;
      }
      return refused;
    },
  };
}

function spillwayNow(limit: number): Contestant {
  const limiter = limiterOf(limit, 100_000);
  return {
    take: async (key) => limiter.takeNow(key).outcome === 'allowed',
    async run(decisions, keys) {
      let refused = 0;
      for (let at = 0; at < decisions; at += 1) {
        if (limiter.takeNow(keys[at % keys.length] as string).outcome === 'denied') refused += 1;
      }
      return refused;
    },
  };
}

function flexible(limit: number): Contestant {
  const limiter = new RateLimiterMemory({ points: limit, duration: 3600 });
  return {
    take: (key) => limiter.consume(key).then(() => true, refusedOrFailed),
    async run(decisions, keys) {
      let refused = 0;
      for (let at = 0; at < decisions; at += 1) {
        try {
          await limiter.consume(keys[at % keys.length] as string);
        } catch (reason) {
          if (!refusedOrFailed(reason)) refused += 1;
        }
      }
      return refused;
    },
  };
}

async function timed(decisions: number, keys: readonly string[], { run }: Contestant): Promise<number> {
  const startedAt = performance.now();
  const refused = await run(decisions, keys);
  const tookMs = performance.now() - startedAt;
  if (refused > 0) throw new Error(`${refused} of ${decisions} takes were refused, far below the limit`);
  return (decisions * 1000) / tookMs;
}
