/** Which strategy goes with which store, mode and operation: what the reference page says, and what the test of it tries. */
import {
  concurrency,
  createLimiter,
  fixedWindow,
  gcra,
  type Limiter,
  type LimitMode,
  type LimitStore,
  type Policy,
  quota,
  slidingLog,
  slidingWindow,
  strategyOf,
  tokenBucket,
} from '@spillway/limit';

export const STORES = ['memory', 'Redis', 'PostgreSQL'] as const;
export type StoreName = (typeof STORES)[number];
export const MODES: readonly LimitMode[] = ['exact', 'lease', 'share'];

/** One policy for each row: as a user writes it, and made. */
export const ROWS: readonly { readonly title: string; readonly policy: Policy }[] = [
  {
    title: '`tokenBucket`',
    policy: tokenBucket({ name: 'bucket', capacity: 100, refill: { tokens: 100, every: '1h' } }),
  },
  { title: '`gcra`', policy: gcra({ name: 'gcra', limit: 100, every: '1h' }) },
  { title: "`gcra`, `burst: 'strict'`", policy: gcra({ name: 'strict', limit: 100, every: '1h', burst: 'strict' }) },
  { title: '`fixedWindow`', policy: fixedWindow({ name: 'fixed', limit: 100, window: '1d' }) },
  { title: '`slidingWindow`', policy: slidingWindow({ name: 'sliding', limit: 100, window: '10d' }) },
  { title: '`slidingLog`, at most 10,000', policy: slidingLog({ name: 'log', limit: 100, window: '1h' }) },
  { title: '`quota`', policy: quota({ name: 'quota', limit: 100, per: 'month' }) },
  { title: '`concurrency`, at most 10,000', policy: concurrency({ name: 'slots', limit: 100, lease: '1h' }) },
];

export const OPERATIONS = [
  'take',
  'take with `id`',
  'takeNow',
  'peek',
  'refund',
  'reset',
  'block',
  'wait',
  'hand-over',
] as const;
export type Operation = (typeof OPERATIONS)[number];

/** Mode `share` has no store. */
export function limiterOf(policy: Policy, mode: LimitMode, store: LimitStore): Limiter {
  const presence = { instances: 1 };
  return createLimiter({ policy, mode }, mode === 'share' ? { presence } : { store, presence });
}

/** Whether a limiter is made of them. */
export function isMade(policy: Policy, mode: LimitMode, store: StoreName): boolean {
  if (mode === 'share') return true;
  const inPostgres = ['token-bucket', 'gcra', 'fixed-window', 'quota'].includes(policy.strategy);
  if (store === 'PostgreSQL') return mode === 'exact' && inPostgres;
  return mode === 'exact' || (takesLeases(policy) && policy.name !== 'strict');
}

/** Whether the limiter that is made of them has it. */
export function has(operation: Operation, policy: Policy, mode: LimitMode, store: StoreName): boolean {
  switch (operation) {
    case 'takeNow':
      return mode === 'share' || store === 'memory';
    case 'hand-over':
      return mode !== 'share' && store !== 'memory' && takesLeases(policy);
    default:
      return true;
  }
}

const takesLeases = ({ strategy }: Policy): boolean => !['sliding-log', 'concurrency'].includes(strategy);

/** What a lease ends with, and what counts after an outage. */
export const hasWindows = (policy: Policy): boolean | undefined => {
  const left = strategyOf(policy).leasing?.windowLeftUs(policy as never, undefined, 0);
  return left === undefined ? undefined : Number.isFinite(left);
};
