import { channel } from 'node:diagnostics_channel';
import { OverloadedError } from '@spillway/kernel';
import { checkBlock, checkCall, checkId, checkWait } from './check-call.ts';
import type { Decision } from './core/decision.ts';
import { OwedTable } from './hand-over/owed-table.ts';
import { StoreTime } from './hand-over/store-time.ts';
import { LeaseHolder } from './lease/lease-holder.ts';
import type { Limiter, RefundOptions, TakeOptions } from './limiter-contract.ts';
import { type LimiterDependencies, type LimiterOptions, parseLimiterOptions } from './limiter-options.ts';
import { LocalBlocks } from './local-blocks.ts';
import type { LimitBlockMessage, LimitDecisionMessage } from './messages.ts';
import { createShare } from './share.ts';
import type { Refund, SynchronousLimitStore } from './store.ts';
import { createStoreDecisions, isSynchronous } from './store-decisions.ts';
import type { Policy } from './strategies/policy.ts';
import { subjectOf } from './subject.ts';
import { createWaitQueue } from './wait-queue.ts';

/** Where slots are held elsewhere too, their release is noticed after this. */
const SLOTS_ASK_AGAIN_MS = 1000;

/** One for all calls without options. */
const NO_OPTIONS: TakeOptions = {};

const decisions = channel('spillway:limit:decision');
const keyBlocks = channel('spillway:limit:block');

/**
 * A limiter for one or several policies; with several, a take charges all of them or none.
 * @throws {ConfigurationError} with everything at fault, among it policies whose strategy the store does not have
 */
export function createLimiter(options: LimiterOptions, dependencies: LimiterDependencies = {}): Limiter {
  return openLimiter(options, dependencies);
}

export interface Opening {
  /** `untold`: its decisions are no decisions to whoever listens, since nothing follows from them. Default `told`. */
  readonly decisionsAre?: 'told' | 'untold';
  /** The name under which a key's state is kept. */
  readonly nameKey?: (key: string) => string;
  /** What stands between a share and the memory that it counts in. */
  readonly shareBy?: (store: SynchronousLimitStore) => SynchronousLimitStore;
}

export function openLimiter(
  options: LimiterOptions,
  dependencies: LimiterDependencies,
  { decisionsAre = 'told', nameKey = subjectOf, shareBy = (store) => store }: Opening = {},
): Limiter {
  const setup = parseLimiterOptions(options, dependencies);
  const { policies, mode, store, maxKeys, maxWaiting } = setup;
  const isLocal = store.scope === 'process';
  const told = decisionsAre === 'told' ? teller(policies) : untold;
  const needsId = policies.some(({ strategy }) => strategy === 'concurrency');
  const storeTime = new StoreTime();
  // Takes with an id are not handed over, nor is anything to a store that can not be told.
  const canBeTold = store.reserve !== undefined || store.takeOwing !== undefined;
  const canOwe = mode !== 'share' && !isLocal && canBeTold && !needsId && setup.onStoreError === 'share';
  const owed = canOwe ? new OwedTable(maxKeys, storeTime) : undefined;
  const share = createShare({ ...setup, shareBy, owed, degraded: mode !== 'share' });
  const blocks = isLocal ? undefined : new LocalBlocks(maxKeys);
  const leases = setup.lease === undefined ? undefined : new LeaseHolder({ ...setup, lease: setup.lease });
  const byStore = createStoreDecisions({ ...setup, share, blocks, leases, owed, storeTime });

  async function refund(key: string, { cost = 1, of, id }: RefundOptions): Promise<void> {
    checkCall(key, cost, 'refund');
    if (needsId || id !== undefined) checkId(id, 'refund(key, { id })');
    if (of !== undefined && (of.outcome === 'denied' || of.decidedBy === 'store-error-policy')) return;
    const subject = nameKey(key);
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

  const takeShare = (subject: string, cost: number, id: string | undefined): Decision =>
    share.takeNow(subject, cost, id, 'may be sent');

  const decideTake = mode === 'share' ? takeShare : byStore.take;
  const decideNow = mode === 'share' ? takeShare : byStore.takeNow;

  // No async function: what is decided here, by this process's memory or a lease, costs one promise instead of three.
  const take = (key: string, { cost = 1, id }: TakeOptions): Promise<Decision> => {
    try {
      checkCall(key, cost, 'take');
      const name = nameOf(id);
      const decided = decideTake(nameKey(key), cost, name);
      if (!(decided instanceof Promise)) return Promise.resolve(told(key, cost, decided));
      return decided.then((decision) => told(key, cost, decision));
    } catch (error) {
      return Promise.reject(error);
    }
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
    take: (key, takeOptions = NO_OPTIONS) => take(key, takeOptions),
    takeNow(key, { cost = 1, id } = NO_OPTIONS) {
      checkCall(key, cost, 'take');
      return told(key, cost, decideNow(nameKey(key), cost, nameOf(id)));
    },
    async peek(key, { cost = 1 } = {}) {
      checkCall(key, cost, 'take');
      return mode === 'share' ? share.peek(nameKey(key), cost) : byStore.peek(nameKey(key), cost);
    },
    refund: (key, refundOptions = {}) => refund(key, refundOptions),
    async block(key, duration) {
      checkCall(key, 1, 'take');
      const forUs = checkBlock(duration);
      const subject = nameKey(key);
      try {
        // For times when the store is away; without room there, that much is not promised.
        if (mode === 'share') await share.block(subject, forUs);
        else if (!isLocal) await share.block(subject, forUs).catch(unlessOverloaded);
        leases?.forget(subject);
        if (mode !== 'share') await store.block(subject, policies, forUs);
        if (keyBlocks.hasSubscribers) {
          const names = policies.map(({ name }) => name);
          keyBlocks.publish({ key, policies: names, forMs: forUs / 1000 } satisfies LimitBlockMessage);
        }
      } finally {
        blocks?.forget(subject);
        leases?.forget(subject);
      }
    },
    async reset(key) {
      checkCall(key, 1, 'take');
      const subject = nameKey(key);
      try {
        await share.reset(subject);
        leases?.forget(subject);
        if (mode !== 'share') await store.reset(subject, policies);
      } finally {
        blocks?.forget(subject);
        leases?.forget(subject);
        queue.wake(key);
      }
    },
    async wait(key, { cost = 1, id, signal, maxWaitMs = Number.POSITIVE_INFINITY } = {}) {
      checkCall(key, cost, 'take');
      nameOf(id);
      checkWait(maxWaitMs);
      return queue.wait(key, { cost, id, signal, maxWaitMs });
    },
    async close() {
      queue.close();
      await leases?.close();
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

function unlessOverloaded(error: unknown): void {
  if (!(error instanceof OverloadedError)) throw error;
}
