import { channel } from 'node:diagnostics_channel';
import {
  ConfigurationError,
  type Duration,
  isSpillwayError,
  OverloadedError,
  StoreUnavailableError,
  toMs,
} from '@spillway/kernel';
import type { Decision } from './core/decision.ts';
import { decide, decideWithoutStore } from './decide.ts';
import {
  type LimiterDependencies,
  type LimiterOptions,
  type LimitMode,
  parseLimiterOptions,
} from './limiter-options.ts';
import { LocalBlocks } from './local-blocks.ts';
import type { LimitBlockMessage, LimitDecisionMessage, LimitStoreErrorMessage } from './messages.ts';
import { createShare } from './share.ts';
import type { LimitStore, Refund, SynchronousLimitStore } from './store.ts';
import type { Policy } from './strategies/policy.ts';
import { LONGEST_US } from './strategies/policy-fields.ts';
import { subjectOf } from './subject.ts';
import { createWaitQueue } from './wait-queue.ts';

export interface PeekOptions {
  /** What the call is worth: an integer >= 1. Default 1. */
  readonly cost?: number;
}

export interface TakeOptions extends PeekOptions {
  /**
   * Names the take: it is charged once, however often it is repeated within ten minutes. Any text but the empty one, unique per
   * key. A concurrency policy needs one, to hold its slots by.
   */
  readonly id?: string;
}

export interface RefundOptions {
  /** What comes back: an integer >= 1, at most what was taken. Default 1. */
  readonly cost?: number;
  /** The decision of the take. Without it the refund is worth what it would be had the take been made just now. */
  readonly of?: Decision;
  /** The id of the take: it is refunded once, and needed where slots were held by it. */
  readonly id?: string;
}

export interface WaitOptions extends TakeOptions {
  /** Ends the wait: the promise is rejected with its reason. */
  readonly signal?: AbortSignal;
  /** An integer >= 0. Default: for as long as it takes. */
  readonly maxWaitMs?: number;
}

export interface Limiter {
  readonly policies: readonly Policy[];
  readonly mode: LimitMode;
  /** Whether `takeNow` works: nothing has to be waited for. */
  readonly synchronous: boolean;
  /**
   * Charges `key`, if all policies allow it; a refusal costs nothing. The key may hold any characters.
   * @throws {ConfigurationError} when the cost is not an integer >= 1, or slots are taken without an id
   * @throws {StoreUnavailableError} only with `onStoreError: 'throw'`
   */
  take(key: string, options?: TakeOptions): Promise<Decision>;
  /**
   * `take` without waiting, for hot paths.
   * @throws {ConfigurationError} also when decisions have to wait for a store: mode `exact` with a shared one
   */
  takeNow(key: string, options?: TakeOptions): Decision;
  /** How a take would end now. Nothing is charged. */
  peek(key: string, options?: PeekOptions): Promise<Decision>;
  /**
   * Gives back what an allowed take got and did not use, at most once: from all policies, as far as time has not given it back
   * already. The decision (`of`) tells who charged it and when; one that nobody charged gives nothing back.
   * @throws {StoreUnavailableError} when the store does not answer; do not repeat it, it may have run
   */
  refund(key: string, options?: RefundOptions): Promise<void>;
  /**
   * Refuses every take of `key` for so long (`reason: 'blocked'`), or for as long as an earlier block lasts; what it had taken is
   * forgotten. On all instances, except in mode `share`: on this one.
   * @throws {StoreUnavailableError} when the store does not answer: only this instance refuses it then, while the store is away
   * @throws {OverloadedError} when this process keeps no more blocks
   */
  block(key: string, duration: Duration): Promise<void>;
  /** Forgets what `key` has taken, and a block of it. @throws {StoreUnavailableError} when the store does not answer */
  reset(key: string): Promise<void>;
  /**
   * A take that waits until it is allowed, for outgoing calls: in this process one after the other for each key, in the order in
   * which they came. It answers with a refusal only when no wait can end within `maxWaitMs`, or at all (`cost-exceeds-capacity`).
   * @throws {OverloadedError} when `maxWaiting` calls wait already
   * @throws {LimiterClosedError} when the limiter is closed, before or meanwhile
   */
  wait(key: string, options?: WaitOptions): Promise<Decision>;
  /** Ends all waits. Stores stay open: they are borrowed. */
  close(): Promise<void>;
}

/** Where slots are held elsewhere too, their release is noticed after this. */
const SLOTS_ASK_AGAIN_MS = 1000;

const decisions = channel('spillway:limit:decision');
const storeErrors = channel('spillway:limit:store-error');
const keyBlocks = channel('spillway:limit:block');

/**
 * A limiter for one or several policies; with several, a take charges all of them or none.
 * @throws {ConfigurationError} with everything at fault, among it policies whose strategy the store does not have
 */
export function createLimiter(options: LimiterOptions, dependencies: LimiterDependencies = {}): Limiter {
  return openLimiter(options, dependencies, 'told');
}

/** `untold`: its decisions are no decisions to whoever listens, since nothing follows from them. */
export function openLimiter(
  options: LimiterOptions,
  dependencies: LimiterDependencies,
  decisionsAre: 'told' | 'untold',
): Limiter {
  const setup = parseLimiterOptions(options, dependencies);
  const { policies, mode, onStoreError, store, maxKeys, maxWaiting, clock } = setup;
  const share = createShare({ ...setup, degraded: mode === 'exact' });
  const isLocal = store.scope === 'process';
  const blocks = isLocal ? undefined : new LocalBlocks(maxKeys);
  const told = decisionsAre === 'told' ? teller(policies) : untold;
  const needsId = policies.some(({ strategy }) => strategy === 'concurrency');

  async function takeExact(subject: string, cost: number, id: string | undefined): Promise<Decision> {
    const sentUs = blocks === undefined ? 0 : clock.nowUs();
    const refused = id === undefined ? blocks?.find(subject, policies, cost, sentUs) : undefined;
    if (refused !== undefined) return refused;
    const forgets = blocks?.forgets ?? 0;
    try {
      const { verdicts, atUs } = await store.take(subject, policies, cost, id);
      const decision = decide(policies, verdicts, 'store', false, atUs);
      blocks?.note(subject, policies, cost, decision, sentUs, forgets);
      return decision;
    } catch (error) {
      return takeWithoutStore(error, subject, cost, id);
    }
  }

  function takeWithoutStore(error: unknown, subject: string, cost: number, id: string | undefined): Decision {
    tellOf(error);
    const refused = blocks?.findDegraded(subject, policies, cost, clock.nowUs());
    return refused ?? answerWithout('take', error, () => share.takeNow(subject, cost, id));
  }

  function answerWithout<Answer>(operation: string, error: unknown, ofShare: () => Answer): Answer | Decision {
    switch (onStoreError) {
      case 'share':
        // A process that has no room left to count by has none for a share either.
        return error instanceof OverloadedError && isLocal ? decideWithoutStore(policies, 'denied') : ofShare();
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

  function tellOf(error: unknown): void {
    if (error instanceof ConfigurationError) throw error;
    if (!storeErrors.hasSubscribers) return;
    storeErrors.publish({ policies: policies.map(({ name }) => name), error } satisfies LimitStoreErrorMessage);
  }

  async function peek(subject: string, cost: number): Promise<Decision> {
    if (mode === 'share') return share.peek(subject, cost);
    try {
      return decide(policies, await store.peek(subject, policies, cost), 'store', false);
    } catch (error) {
      tellOf(error);
      return answerWithout('peek', error, () => share.peek(subject, cost));
    }
  }

  function decideNow(subject: string, cost: number, id: string | undefined): Decision {
    if (mode === 'share') return share.takeNow(subject, cost, id);
    if (!isSynchronous(store)) {
      throw new ConfigurationError('takeNow() can not wait for a shared store; use take(), or mode "share"');
    }
    try {
      const { verdicts, atUs } = store.takeNow(subject, policies, cost, id);
      return decide(policies, verdicts, 'store', false, atUs);
    } catch (error) {
      return takeWithoutStore(error, subject, cost, id);
    }
  }

  async function refund(key: string, { cost = 1, of, id }: RefundOptions): Promise<void> {
    check(key, cost, 'refund');
    if (needsId || id !== undefined) checkId(id, 'refund(key, { id })');
    if (of !== undefined && (of.outcome === 'denied' || of.decidedBy === 'store-error-policy')) return;
    const subject = subjectOf(key);
    const back: Refund = {
      cost,
      ...(of?.chargedAtUs === undefined ? {} : { takenAtUs: of.chargedAtUs }),
      ...(id === undefined ? {} : { id: subjectOf(id) }),
    };
    try {
      if (mode === 'share' || of?.decidedBy === 'share') return await share.refund(subject, back);
      // Who charged it is not known: the share gives nothing for an id that it does not know.
      if (of === undefined && id !== undefined) await share.refund(subject, back);
      await store.refund(subject, policies, back);
    } finally {
      blocks?.forget(subject);
      queue.wake(key);
    }
  }

  const take = async (key: string, { cost = 1, id }: TakeOptions): Promise<Decision> => {
    check(key, cost, 'take');
    const name = nameOf(id);
    const subject = subjectOf(key);
    const decision = mode === 'share' ? share.takeNow(subject, cost, name) : await takeExact(subject, cost, name);
    return told(key, cost, decision);
  };

  const nameOf = (id: string | undefined): string | undefined => {
    if (id === undefined && !needsId) return undefined;
    return subjectOf(checkId(id, 'take(key, { id })'));
  };

  const withId = (id: string | undefined): { id?: string } => (id === undefined ? {} : { id });
  const queue = createWaitQueue({
    take: (key, cost, id) => take(key, { cost, ...withId(id) }),
    // Nobody is left to tell when the store is away: then it comes back with time.
    giveBack: (key, cost, id, of) => void refund(key, { cost, of, ...withId(id) }).catch(() => {}),
    maxWaiting,
    askAgainMs: needsId ? SLOTS_ASK_AGAIN_MS : Number.POSITIVE_INFINITY,
  });

  return {
    policies,
    mode,
    synchronous: mode === 'share' || isSynchronous(store),
    take: (key, takeOptions = {}) => take(key, takeOptions),
    takeNow(key, { cost = 1, id } = {}) {
      check(key, cost, 'take');
      return told(key, cost, decideNow(subjectOf(key), cost, nameOf(id)));
    },
    async peek(key, { cost = 1 } = {}) {
      check(key, cost, 'take');
      return peek(subjectOf(key), cost);
    },
    refund: (key, refundOptions = {}) => refund(key, refundOptions),
    async block(key, duration) {
      check(key, 1, 'take');
      const forUs = toMs(duration) * 1000;
      if (forUs < 1000 || forUs > LONGEST_US) {
        throw new ConfigurationError(`A block must last from "1ms" to "10000d", got ${JSON.stringify(duration)}`);
      }
      const subject = subjectOf(key);
      try {
        // For times when the store is away; without room there, that much is not promised.
        if (mode === 'share') await share.block(subject, forUs);
        else if (!isLocal) await share.block(subject, forUs).catch(unlessOverloaded);
        if (mode === 'exact') await store.block(subject, policies, forUs);
        if (keyBlocks.hasSubscribers) {
          const names = policies.map(({ name }) => name);
          keyBlocks.publish({ key, policies: names, forMs: forUs / 1000 } satisfies LimitBlockMessage);
        }
      } finally {
        blocks?.forget(subject);
      }
    },
    async reset(key) {
      check(key, 1, 'take');
      const subject = subjectOf(key);
      try {
        await share.reset(subject);
        if (mode === 'exact') await store.reset(subject, policies);
      } finally {
        blocks?.forget(subject);
        queue.wake(key);
      }
    },
    async wait(key, { cost = 1, id, signal, maxWaitMs = Number.POSITIVE_INFINITY } = {}) {
      check(key, cost, 'take');
      nameOf(id);
      if (!(maxWaitMs === Number.POSITIVE_INFINITY || (Number.isSafeInteger(maxWaitMs) && maxWaitMs >= 0))) {
        throw new ConfigurationError(`maxWaitMs must be an integer >= 0, got ${String(maxWaitMs)}`);
      }
      return queue.wait(key, { cost, id, signal, maxWaitMs });
    },
    async close() {
      queue.close();
    },
  };
}

type Teller = (key: string, cost: number, decision: Decision) => Decision;

const untold: Teller = (_, __, decision) => decision;

const teller =
  (policies: readonly Policy[]): Teller =>
  (key, cost, decision) => {
    if (!decisions.hasSubscribers) return decision;
    const { strategy } = policies.find(({ name }) => name === decision.policy) ?? (policies[0] as Policy);
    decisions.publish({ key, cost, decision, strategy } satisfies LimitDecisionMessage);
    return decision;
  };

function check(key: string, cost: number, what: 'take' | 'refund'): void {
  if (typeof key !== 'string') throw new ConfigurationError(`A limiter's key must be a string, got ${typeof key}`);
  if (!Number.isSafeInteger(cost) || cost < 1) {
    throw new ConfigurationError(`A ${what}'s cost must be an integer >= 1, got ${String(cost)}`);
  }
}

function unlessOverloaded(error: unknown): void {
  if (!(error instanceof OverloadedError)) throw error;
}

function checkId(id: string | undefined, how: string): string {
  if (typeof id === 'string' && id !== '') return id;
  const shown = id === undefined ? 'none' : JSON.stringify(id);
  throw new ConfigurationError(`An id must be text, and slots are held by one; pass it: ${how}, got ${shown}`);
}

const isSynchronous = (store: LimitStore): store is SynchronousLimitStore => 'takeNow' in store;
