import { randomUUID } from 'node:crypto';
import { ConfigurationError } from '@spillway/kernel';
import type { Decision } from '../core/decision.ts';
import type { TakingLimiter } from '../limiter-contract.ts';
import { type Awaitable, andThen } from './awaitable.ts';

/** Which outcomes are charged in the end. */
export type Counted = 'all' | 'failed' | 'successful';

/** Something taken, and how to give it back. */
export interface Taken {
  readonly decision: Decision;
  /** Slots are held: they go back when the work is done, whatever came of it. */
  readonly isHeld: boolean;
  /** Once, and nobody waits: if the store is away, the units come back with time. */
  giveBack(): void;
}

/** @throws {ConfigurationError} for a limiter whose slots could not be given back without the rest */
export function createTaker(limiter: TakingLimiter): (key: string, cost: number) => Awaitable<Taken> {
  const slots = limiter.policies.filter(({ strategy }) => strategy === 'concurrency').length;
  if (slots > 0 && slots < limiter.policies.length) {
    const names = limiter.policies.map(({ name }) => `"${name}"`).join(', ');
    throw new ConfigurationError(
      `A limiter of slots and of other policies (${names}) can not give back the slots alone; use two limiters, one after the other`,
    );
  }
  const isHeld = slots > 0;
  return (key, cost) => {
    // Slots are held by an id.
    const options = isHeld ? { cost, id: randomUUID() } : { cost };
    return andThen(limiter.synchronous ? limiter.takeNow(key, options) : limiter.take(key, options), (decision) => ({
      decision,
      isHeld,
      giveBack() {
        if (decision.outcome === 'denied' || decision.decidedBy === 'store-error-policy') return;
        limiter.refund(key, { of: decision, ...options }).catch(() => undefined);
      },
    }));
  };
}

/** @throws {ConfigurationError} */
export function checkCount(count: string): asserts count is Counted {
  if (count === 'all' || count === 'failed' || count === 'successful') return;
  throw new ConfigurationError(`count must be "all", "failed" or "successful", got ${JSON.stringify(count)}`);
}
