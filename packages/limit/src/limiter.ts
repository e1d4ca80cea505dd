import { channel } from 'node:diagnostics_channel';
import { ConfigurationError, isSpillwayError, StoreUnavailableError } from '@spillway/kernel';
import type { Decision } from './core/decision.ts';
import type { Policy } from './strategies/policy.ts';
import { decide, decideWithoutStore } from './decide.ts';
import {
  type LimiterDependencies,
  type LimiterOptions,
  type LimitMode,
  parseLimiterOptions,
} from './limiter-options.ts';
import type { LimitDecisionMessage, LimitStoreErrorMessage } from './messages.ts';
import { createShare } from './share.ts';
import type { LimitStore, SynchronousLimitStore } from './store.ts';
import { subjectOf } from './subject.ts';

export interface TakeOptions {
  /** What the call is worth: an integer >= 1. Default 1. */
  readonly cost?: number;
}

export interface Limiter {
  readonly policies: readonly Policy[];
  readonly mode: LimitMode;
  /** Whether `takeNow` works: nothing has to be waited for. */
  readonly synchronous: boolean;
  /**
   * Charges `key`, if all policies allow it; a refusal costs nothing. The key may hold any characters.
   * @throws {ConfigurationError} when the cost is not an integer >= 1
   * @throws {StoreUnavailableError} only with `onStoreError: 'throw'`
   */
  take(key: string, options?: TakeOptions): Promise<Decision>;
  /**
   * `take` without waiting, for hot paths.
   * @throws {ConfigurationError} also when decisions have to wait for a store: mode `exact` with a shared one
   */
  takeNow(key: string, options?: TakeOptions): Decision;
  /** How a take would end now. Nothing is charged. */
  peek(key: string, options?: TakeOptions): Promise<Decision>;
  /** Forgets what `key` has taken. @throws {StoreUnavailableError} when the store does not answer */
  reset(key: string): Promise<void>;
  close(): Promise<void>;
}

const decisions = channel('spillway:limit:decision');
const storeErrors = channel('spillway:limit:store-error');

/**
 * A limiter for one or several policies; with several, a take charges all of them or none.
 * @throws {ConfigurationError} with everything at fault
 */
export function createLimiter(options: LimiterOptions, dependencies: LimiterDependencies = {}): Limiter {
  const setup = parseLimiterOptions(options, dependencies);
  const { policies, mode, onStoreError, store } = setup;
  const share = createShare({ ...setup, degraded: mode === 'exact' });

  async function ask(operation: 'take' | 'peek', subject: string, cost: number): Promise<Decision> {
    if (mode === 'share') return operation === 'take' ? share.takeNow(subject, cost) : share.peek(subject, cost);
    try {
      return decide(policies, await store[operation](subject, policies, cost), 'store', false);
    } catch (error) {
      if (storeErrors.hasSubscribers) {
        storeErrors.publish({ policies: policies.map(({ name }) => name), error } satisfies LimitStoreErrorMessage);
      }
      switch (onStoreError) {
        case 'share':
          return operation === 'take' ? share.takeNow(subject, cost) : share.peek(subject, cost);
        case 'allow':
          return decideWithoutStore(policies, 'allowed');
        case 'deny':
          return decideWithoutStore(policies, 'denied');
        case 'throw':
          throw isSpillwayError(error) ? error : new StoreUnavailableError(`limit.${operation}`, error);
        default:
          return onStoreError satisfies never;
      }
    }
  }

  function decideNow(subject: string, cost: number): Decision {
    if (mode === 'share') return share.takeNow(subject, cost);
    if (!isSynchronous(store)) {
      throw new ConfigurationError('takeNow() can not wait for a shared store; use take(), or mode "share"');
    }
    return decide(policies, store.takeNow(subject, policies, cost), 'store', false);
  }

  return {
    policies,
    mode,
    synchronous: mode === 'share' || isSynchronous(store),
    async take(key, { cost = 1 } = {}) {
      checkTake(key, cost);
      return told(key, cost, await ask('take', subjectOf(key), cost));
    },
    takeNow(key, { cost = 1 } = {}) {
      checkTake(key, cost);
      return told(key, cost, decideNow(subjectOf(key), cost));
    },
    async peek(key, { cost = 1 } = {}) {
      checkTake(key, cost);
      return ask('peek', subjectOf(key), cost);
    },
    async reset(key) {
      const subject = subjectOf(key);
      await share.reset(subject);
      if (mode === 'exact') await store.reset(subject, policies);
    },
    // Nothing is held yet that would have to be given back; leases will be.
    async close() {},
  };
}

function told(key: string, cost: number, decision: Decision): Decision {
  if (decisions.hasSubscribers) decisions.publish({ key, cost, decision } satisfies LimitDecisionMessage);
  return decision;
}

function checkTake(key: string, cost: number): void {
  if (typeof key !== 'string') throw new ConfigurationError(`A limiter's key must be a string, got ${typeof key}`);
  if (!Number.isSafeInteger(cost) || cost < 1) {
    throw new ConfigurationError(`A take's cost must be an integer >= 1, got ${String(cost)}`);
  }
}

const isSynchronous = (store: LimitStore): store is SynchronousLimitStore => 'takeNow' in store;
