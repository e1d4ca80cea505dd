/** Policies for random walks. Windows of seconds and more: a store may expire what it keeps in real time. */
import type { Duration, Random } from '@spillway/kernel';
import { tokenBucket } from '../core/parse-token-bucket.ts';
import { concurrency } from '../strategies/concurrency/policy.ts';
import { fixedWindow } from '../strategies/fixed-window/policy.ts';
import { gcra } from '../strategies/gcra/policy.ts';
import type { BuiltInName, Policy } from '../strategies/policy.ts';
import { quota } from '../strategies/quota/policy.ts';
import { slidingLog } from '../strategies/sliding-log/policy.ts';
import { slidingWindow } from '../strategies/sliding-window/policy.ts';
import { stepsOf } from '../strategies/strategy-of.ts';

/** One easy policy for each strategy: ten units, of which all come back within a minute (a quota: a day). */
export const TEN: { readonly [Name in BuiltInName]: Policy } = {
  'token-bucket': tokenBucket({ name: 'ten', capacity: 10, refill: { tokens: 10, every: '1m' } }),
  gcra: gcra({ name: 'ten-gcra', limit: 10, every: '1m' }),
  'fixed-window': fixedWindow({ name: 'ten-fixed', limit: 10, window: '1m', align: 'first-hit' }),
  'sliding-window': slidingWindow({ name: 'ten-sliding', limit: 10, window: '1m', subWindows: 6 }),
  'sliding-log': slidingLog({ name: 'ten-log', limit: 10, window: '1m' }),
  quota: quota({ name: 'ten-quota', limit: 10, per: 'day' }),
  concurrency: concurrency({ name: 'ten-slots', limit: 10, lease: '1m' }),
};

export const ALL_STRATEGIES = Object.keys(TEN) as BuiltInName[];

/** Those that have been wrong somewhere: odd rates, single units, months, more than 24.8 days. */
export const TRICKY: readonly Policy[] = [
  TEN['token-bucket'],
  tokenBucket({ name: 'one', capacity: 1, refill: { tokens: 1, every: '13s' } }),
  tokenBucket({ name: 'sevenths', capacity: 40, refill: { tokens: 7, every: '10s' } }),
  tokenBucket({ name: 'odd', capacity: 1000, refill: { tokens: 997, every: '1.001m' } }),
  tokenBucket({ name: 'monthly', capacity: 100, refill: { tokens: 99, every: '30d' } }),
  tokenBucket({ name: 'yearly', capacity: 5, refill: { tokens: 5, every: '365d' } }),
  TEN.gcra,
  gcra({ name: 'gcra-strict', limit: 7, every: '1m', burst: 'strict' }),
  gcra({ name: 'gcra-burst', limit: 3, every: '20s', burst: 11 }),
  fixedWindow({ name: 'fixed-clock', limit: 10, window: '1m' }),
  TEN['fixed-window'],
  fixedWindow({ name: 'fixed-huge', limit: 1e12, window: '40d' }),
  slidingWindow({ name: 'sliding-default', limit: 20, window: '1m' }),
  slidingWindow({ name: 'sliding-one', limit: 3, window: '13s', subWindows: 1 }),
  slidingWindow({ name: 'sliding-odd', limit: 50, window: '30d', subWindows: 7 }),
  TEN['sliding-log'],
  slidingLog({ name: 'log-monthly', limit: 40, window: '30d' }),
  TEN.quota,
  quota({ name: 'quota-week', limit: 3, per: 'week', timeZone: 'Asia/Kathmandu', weekStart: 'sunday' }),
  quota({ name: 'quota-month', limit: 100, per: 'month', timeZone: 'Europe/Berlin' }),
  TEN.concurrency,
  concurrency({ name: 'one-slot', limit: 1, lease: '30d' }),
];

const SPANS: readonly Duration[] = ['5s', '13s', '20.001s', '1m', '1h', '1d', '25d', '30d', '365d'];

/** Another policy of a strategy, under the same name each time, so that it meets the states of those before it. */
export function randomPolicy(strategy: BuiltInName, name: string, random: Random): Policy {
  const one = <T>(of: readonly T[]): T => of[Math.floor(random() * of.length)] as T;
  const upTo = (most: number): number => 1 + Math.floor(random() * most);
  const few = upTo(random() < 0.5 ? 5 : 60);
  const many = random() < 0.7 ? few : upTo(1e6);
  switch (strategy) {
    case 'token-bucket': {
      // Not so slow that it would take decades to fill.
      const tokens = Math.max(Math.ceil(few / 20), upTo(random() < 0.5 ? 3 : 97));
      return tokenBucket({ name, capacity: few, refill: { tokens, every: one(SPANS) } });
    }
    case 'gcra':
      return gcra({ name, limit: few, every: one(SPANS), ...one([{}, { burst: 'strict' }, { burst: upTo(20) }]) });
    case 'fixed-window':
      return fixedWindow({ name, limit: many, window: one(SPANS), align: one(['clock', 'first-hit']) });
    case 'sliding-window':
      return slidingWindow({ name, limit: many, window: one(SPANS), subWindows: one([1, 2, 3, 7, 10, 60, 100]) });
    case 'sliding-log':
      return slidingLog({ name, limit: few, window: one(SPANS) });
    case 'quota':
      return quota({
        name,
        limit: many,
        timeZone: one(['UTC', 'Europe/Berlin', 'Asia/Kathmandu', 'America/Sao_Paulo', 'Australia/Lord_Howe']),
        ...one([{ per: 'day' }, { per: 'month' }, { per: 'week', weekStart: one(['sunday', 'thursday']) }]),
      });
    case 'concurrency':
      return concurrency({ name, limit: few, lease: one(SPANS) });
    default:
      return strategy satisfies never;
  }
}

/** Over this time everything may change for a key: gaps of a walk are drawn from it. */
export const changesWithinUs = (policy: Policy): number =>
  policy.strategy === 'concurrency' ? policy.leaseUs : (stepsOf(policy).spanUs(policy) ?? 0);
