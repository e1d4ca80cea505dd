/** How far each strategy is from an exact log, on the same demand. Pure steps in virtual time. */
import { seededRandom } from '@spillway/kernel';
import { fixedWindow, gcra, type Policy, quota, slidingLog, slidingWindow, tokenBucket } from '@spillway/limit';
import { stepsOf } from '../../../src/strategies/strategy-of.ts';

export const LIMIT = 100;
const MINUTE_US = 60_000_000;
const MINUTES = 120;
/** A Monday, 00:00 UTC: an edge of minutes and of days. */
const START_US = 1_763_337_600_000_000;

/** One take: when it is made, and what the clock of whoever decides says then. */
interface Arrival {
  readonly atUs: number;
  readonly clockUs: number;
}

export interface Contestant {
  readonly name: string;
  readonly policy: Policy;
  /** The time that the limit is for. */
  readonly windowUs: number;
  /** Most in any window, as the policy states it. */
  readonly most: number;
  /** The least part of what the log admits to a key that is always busy, where the policy states one. */
  readonly least?: number;
}

export interface Measured {
  readonly contestant: Contestant;
  readonly load: string;
  /** Admitted in the fullest interval as long as the window, wherever it begins. */
  readonly mostInWindow: number;
  /** Admitted in all, to what an exact log admits of the same takes. */
  readonly toLog: number;
  /** The most room that there was, in the last window, when a take was refused. */
  readonly roomAtRefusal: number;
}

const minute = { limit: LIMIT, window: '1m' } as const;
const perMinute = { windowUs: MINUTE_US };

export const contestants: readonly Contestant[] = [
  { name: 'sliding log', policy: slidingLog({ name: 'log', ...minute }), ...perMinute, most: LIMIT, least: 1 },
  ...[1, 10, 60].map((subWindows) => ({
    name: `sliding window, ${subWindows} sub-window${subWindows === 1 ? '' : 's'}`,
    policy: slidingWindow({ name: 'sliding', ...minute, subWindows }),
    ...perMinute,
    most: LIMIT,
    least: subWindows / (subWindows + 1),
  })),
  {
    name: 'token bucket, burst 100',
    policy: tokenBucket({ name: 'bucket', capacity: LIMIT, refill: { tokens: LIMIT, every: '1m' } }),
    ...perMinute,
    most: 2 * LIMIT,
  },
  {
    name: 'token bucket, burst 10',
    policy: tokenBucket({ name: 'bucket', capacity: 10, refill: { tokens: LIMIT, every: '1m' } }),
    ...perMinute,
    most: LIMIT + 10,
  },
  {
    name: 'GCRA, strict',
    policy: gcra({ name: 'gcra', limit: LIMIT, every: '1m', burst: 'strict' }),
    ...perMinute,
    most: LIMIT + 1,
  },
  {
    name: 'fixed window, aligned',
    policy: fixedWindow({ name: 'fixed', ...minute }),
    ...perMinute,
    most: 2 * LIMIT,
  },
  {
    name: 'fixed window, from the first take',
    policy: fixedWindow({ name: 'first', ...minute, align: 'first-hit' }),
    ...perMinute,
    most: 2 * LIMIT,
  },
  {
    name: 'quota by the day',
    policy: quota({ name: 'quota', limit: LIMIT, per: 'day' }),
    windowUs: 1_440 * MINUTE_US,
    most: 2 * LIMIT,
  },
];

const SKEW_US = 5_000_000;
const exactClock = (times: readonly number[]): readonly Arrival[] => times.map((atUs) => ({ atUs, clockUs: atUs }));

/** In a window of a minute; longer windows are given the same, stretched. */
export const loads: Readonly<Record<string, () => readonly Arrival[]>> = {
  steady: () => exactClock(steady()),
  bursty() {
    const random = seededRandom(1);
    const times: number[] = [];
    for (let atUs = 0; atUs < MINUTES * MINUTE_US; atUs += Math.floor(random() * 1.5 * MINUTE_US)) {
      const burst = 1 + Math.floor(random() * 1.5 * LIMIT);
      for (let take = 0; take < burst; take += 1, atUs += Math.floor(random() * 10_000)) times.push(atUs);
    }
    return exactClock(times);
  },
  'at the edges'() {
    const times: number[] = [];
    for (let at = 2; at <= MINUTES; at += 3) {
      for (let take = 0; take < 2 * LIMIT; take += 1) times.push(at * MINUTE_US + (take - LIMIT) * 1_000);
    }
    return exactClock(times);
  },
  'two clocks, 5 s apart': () => steady().map((atUs, at) => ({ atUs, clockUs: atUs + (at % 2 === 0 ? 0 : SKEW_US) })),
};

/** Half as many again as are allowed. */
const steady = (): readonly number[] =>
  Array.from({ length: MINUTES * 1.5 * LIMIT }, (_, at) => Math.floor((at * MINUTE_US) / (1.5 * LIMIT)));

export function measure(contestant: Contestant, load: string): Measured {
  const { policy, windowUs } = contestant;
  const stretch = windowUs / MINUTE_US;
  const arrivals = (loads[load]?.() ?? []).map(({ atUs, clockUs }) => ({
    atUs: START_US + atUs * stretch,
    clockUs: START_US + atUs * stretch + (clockUs - atUs),
  }));
  const { admitted, roomAtRefusal } = run(policy, arrivals, windowUs);
  const log = slidingLog({ name: 'log', limit: LIMIT, window: `${windowUs / 1_000}ms` });
  const exact = run(
    log,
    arrivals.map(({ atUs }) => ({ atUs, clockUs: atUs })),
    windowUs,
  );
  return {
    contestant,
    load,
    mostInWindow: fullest(admitted, windowUs),
    toLog: admitted.length / exact.admitted.length,
    roomAtRefusal,
  };
}

function run(policy: Policy, arrivals: readonly Arrival[], windowUs: number) {
  const steps = stepsOf(policy);
  const admitted: number[] = [];
  let state: Parameters<typeof steps.take>[1];
  let roomAtRefusal = 0;
  let first = 0;
  for (const { atUs, clockUs } of arrivals) {
    const step = steps.take(policy, state, clockUs, 1);
    state = step.state;
    if (step.verdict.outcome === 'allowed') {
      admitted.push(atUs);
      continue;
    }
    while (first < admitted.length && (admitted[first] ?? 0) <= atUs - windowUs) first += 1;
    roomAtRefusal = Math.max(roomAtRefusal, LIMIT - (admitted.length - first));
  }
  return { admitted, roomAtRefusal };
}

function fullest(times: readonly number[], windowUs: number): number {
  let most = 0;
  let first = 0;
  for (const [at, time] of times.entries()) {
    while ((times[first] ?? 0) <= time - windowUs) first += 1;
    most = Math.max(most, at - first + 1);
  }
  return most;
}
