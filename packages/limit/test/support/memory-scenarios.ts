import type { Clock } from '@spillway/kernel';
import { connectRedis } from '@spillway/redis';
import {
  concurrency,
  createLimiter,
  fixedWindow,
  gcra,
  type LimitStore,
  memoryLimitStore,
  type Policy,
  quota,
  slidingLog,
  slidingWindow,
  tokenBucket,
} from '../../src/index.ts';
import { redisLimitStore } from '../../src/redis/index.ts';

export interface MemoryScenario {
  /** Something is done for the key of this number, once. */
  use(at: number): Promise<unknown> | undefined;
  /** Keys after which the memory is looked at. */
  readonly stages: readonly number[];
  close?(): Promise<void>;
}

/** As many as are kept by default, then up to ten times as many. */
const STAGES = [100_000, 500_000, 1_000_000];
/** Where each further key costs an error, or a long text to cut it out of. */
const SHORT = [100_000, 150_000, 200_000];

const policies = {
  'token-bucket': tokenBucket({ name: 'p', capacity: 7, refill: { tokens: 7, every: '1h' } }),
  gcra: gcra({ name: 'p', limit: 7, every: '1h', burst: 3 }),
  'fixed-window': fixedWindow({ name: 'p', limit: 7, window: '1h' }),
  'sliding-window': slidingWindow({ name: 'p', limit: 7, window: '1h', subWindows: 6 }),
  'sliding-log': slidingLog({ name: 'p', limit: 7, window: '1h' }),
  quota: quota({ name: 'p', limit: 7, per: 'day', timeZone: 'Europe/Berlin' }),
  concurrency: concurrency({ name: 'p', limit: 7, lease: '1h' }),
} satisfies Record<Policy['strategy'], Policy>;

/** An IPv6 address as text, 39 characters, by itself in memory: what comes off a socket. */
const address = (at: number): string => `2001:0db8:85a3:0000:0000:8a2e:${hex(at >>> 16)}:${hex(at & 0xffff)}`;
const hex = (word: number): string => word.toString(16).padStart(4, '0');

/** The same as what is cut out of a long header: V8 keeps the whole header for it. */
const cutOut = (at: number): string =>
  Buffer.from(`${address(at)}, ${REST}`)
    .toString('latin1')
    .slice(0, 39);
const REST = 'x'.repeat(4000);

const startUs = 1_700_000_000_000_000;

/** Passes by so much with every take. */
function tickingClock(tickUs: number): Clock & { tick(): void } {
  let nowUs = startUs;
  return {
    nowUs: () => nowUs,
    tick: () => {
      nowUs += tickUs;
    },
  };
}

/** Keys end an hour after their take: all are in use at once, or fifty thousand. */
const STANDING_US = 0;
const PASSING_US = 72_000;

const inMemory =
  (policy: Policy, tickUs: number, keyOf = address, takes = 1) =>
  (): MemoryScenario => {
    const clock = tickingClock(tickUs);
    const limiter = createLimiter({ policy }, { store: memoryLimitStore({ clock, random: () => 0.5 }) });
    const idOf = (at: number) => (policy.strategy === 'concurrency' ? { id: `holder of a slot ${at}` } : {});
    return {
      stages: keyOf === cutOut || takes > 1 ? SHORT : STAGES,
      use(at) {
        for (let take = 0; take < takes; take += 1) {
          limiter.takeNow(keyOf(at), idOf(at));
          clock.tick();
        }
        return undefined;
      },
    };
  };

const strategies = Object.entries(policies).map(([name, policy]) => [name, inMemory(policy, STANDING_US)] as const);

/** A store that refuses everything, to the port's letter: what its limiter remembers of that is its own. */
const refusing: LimitStore = {
  scope: 'shared',
  strategies: new Set(['token-bucket']),
  take: async (_, policies) => ({
    atUs: startUs,
    verdicts: policies.map(() => ({
      outcome: 'denied',
      reason: 'exhausted',
      remaining: 0,
      refillAfterUs: 3_600_000_000,
      retryAfterUs: 3_600_000_000,
      resetAfterUs: 3_600_000_000,
    })),
  }),
  peek: async () => [],
  refund: async () => {},
  block: async () => {},
  reset: async () => {},
};

const bucket = policies['token-bucket'];
const second = tokenBucket({ name: 'q', capacity: 70, refill: { tokens: 70, every: '1d' } });

const blocked = (policies: readonly Policy[]) => (): MemoryScenario => {
  const limiter = createLimiter({ policies }, { store: refusing, presence: { instances: 2 } });
  return { stages: STAGES, use: (at) => limiter.take(address(at)) };
};

export const memoryScenarios: Readonly<Record<string, () => MemoryScenario | Promise<MemoryScenario>>> = {
  ...Object.fromEntries(strategies),
  'token-bucket, keys that end': inMemory(bucket, PASSING_US),
  'sliding-log, keys that end': inMemory(policies['sliding-log'], PASSING_US),
  'token-bucket, keys cut out of headers': inMemory(bucket, STANDING_US, cutOut),
  'fixed-window, keys cut out of headers': inMemory(policies['fixed-window'], STANDING_US, cutOut),
  'sliding-log, 7 entries a key': inMemory(policies['sliding-log'], 1, address, 7),
  'mode share': () => {
    const limiter = createLimiter({ policy: bucket, mode: 'share' }, { presence: { instances: 3 } });
    return {
      stages: STAGES,
      use(at) {
        limiter.takeNow(address(at));
        return undefined;
      },
    };
  },
  ids: () => {
    const policy = tokenBucket({ name: 'p', capacity: 10_000_000, refill: { tokens: 1, every: '1s' } });
    const limiter = createLimiter({ policy });
    return {
      stages: STAGES,
      use(at) {
        limiter.takeNow('ada', { id: address(at) });
        return undefined;
      },
    };
  },
  blocks: () => {
    const limiter = createLimiter({ policy: bucket });
    return { stages: SHORT, use: (at) => limiter.block(address(at), '1h').catch(() => {}) };
  },
  'local blocks': blocked([bucket]),
  'local blocks of two policies': blocked([bucket, second]),
  async redis() {
    const link = connectRedis({ url: process.env.REDIS_URL ?? '', deadline: '10s' });
    await link.ready({ timeout: '10s' });
    const store = redisLimitStore({ link, prefix: 'memory' });
    const limiter = createLimiter({ policy: bucket }, { store, presence: { instances: 2 } });
    return { stages: STAGES, use: (at) => limiter.take(address(at)), close: () => link.close() };
  },
};
