/**
 * Takes that a store decides, exactly or by leases of it, and what they become when it can not. In this order: a lease that is held
 * here, a refusal that is remembered here, the store, and `onStoreError`. A refusal is an answer: it never reaches a fall-back.
 */
import { channel } from 'node:diagnostics_channel';
import { ConfigurationError, isSpillwayError, OverloadedError, StoreUnavailableError } from '@spillway/kernel';
import type { Decision } from './core/decision.ts';
import { decide, decideWithoutStore } from './decide.ts';
import { type OwedTable, toOwed } from './hand-over/owed-table.ts';
import type { StoreTime } from './hand-over/store-time.ts';
import type { Asking, LeaseHolder } from './lease/lease-holder.ts';
import type { LimiterSetup } from './limiter-options.ts';
import type { LocalBlocks } from './local-blocks.ts';
import type { LimitStoreErrorMessage } from './messages.ts';
import type { Share } from './share.ts';
import type { LimitStore, Owed, Reserve, Reserved, SynchronousLimitStore, Take } from './store.ts';

export interface StoreDecisions {
  /** A promise only where somebody has to be asked. Errors are thrown, or the promise is rejected with them. */
  take(subject: string, cost: number, id: string | undefined): Decision | Promise<Decision>;
  /** @throws {ConfigurationError} when the store does not answer at once */
  takeNow(subject: string, cost: number, id: string | undefined): Decision;
  peek(subject: string, cost: number): Promise<Decision>;
}

export interface StoreDecisionsOptions extends Pick<LimiterSetup, 'policies' | 'store' | 'onStoreError' | 'clock'> {
  readonly share: Share;
  /** Undefined where asking costs nothing: a store in this process. */
  readonly blocks: LocalBlocks | undefined;
  /** Undefined in mode `exact`. */
  readonly leases: LeaseHolder | undefined;
  /** Undefined for a store that can not be told. */
  readonly owed: OwedTable | undefined;
  readonly storeTime: StoreTime;
}

const storeErrors = channel('spillway:limit:store-error');

const NO_LEASE = { want: 0, parts: 1 };

export function createStoreDecisions(options: StoreDecisionsOptions): StoreDecisions {
  const { policies, store, onStoreError, clock, share, blocks, leases, owed, storeTime } = options;
  const isLocal = store.scope === 'process';

  function take(subject: string, cost: number, id: string | undefined): Decision | Promise<Decision> {
    if (isSynchronous(store)) return takeNow(subject, cost, id);
    // Before sending: from here on a lease ages.
    const sentUs = clock.nowUs();
    if (id === undefined) {
      const known = leases?.spend(subject, cost, sentUs) ?? blocks?.find(subject, policies, cost, sentUs);
      if (known !== undefined) return known;
    }
    return ask(subject, cost, id, sentUs);
  }

  async function ask(subject: string, cost: number, id: string | undefined, sentUs: number): Promise<Decision> {
    const forgets = blocks?.forgets ?? 0;
    const asking = id === undefined ? leases?.ask(subject, sentUs) : undefined;
    const debts = id === undefined ? owed?.take(subject, sentUs) : undefined;
    try {
      const owing = debts === undefined ? undefined : toOwed(debts, sentUs);
      const answer = await send(subject, cost, id, asking, owing);
      if (owed !== undefined) storeTime.heard(answer.atUs, clock.nowUs());
      if (id === undefined) leases?.answered(subject, cost, asking, sentUs, answer);
      const decision = decide(policies, answer.verdicts, 'store', false, answer.atUs);
      blocks?.note(subject, policies, cost, decision, sentUs, forgets);
      return decision;
    } catch (error) {
      leases?.failed(subject, asking);
      // It was not sent, so it is still owed.
      if (debts !== undefined && !mayHaveRun(error)) owed?.restore(subject, debts, clock.nowUs());
      return takeWithoutStore(error, subject, cost, id);
    }
  }

  function send(
    subject: string,
    cost: number,
    id: string | undefined,
    asking: Asking | undefined,
    owed: readonly Owed[] | undefined,
  ): Promise<Take | Reserved> {
    if (asking === undefined && owed === undefined) return store.take(subject, policies, cost, id);
    if (store.reserve !== undefined) {
      const reserve: Reserve = owed === undefined ? (asking ?? NO_LEASE) : { ...(asking ?? NO_LEASE), owed };
      return store.reserve(subject, policies, cost, reserve);
    }
    if (owed !== undefined && store.takeOwing !== undefined) return store.takeOwing(subject, policies, cost, owed);
    return store.take(subject, policies, cost, id);
  }

  function takeNow(subject: string, cost: number, id: string | undefined): Decision {
    if (!isSynchronous(store)) {
      throw new ConfigurationError('takeNow() can not wait for a shared store; use take(), or mode "share"');
    }
    const nowUs = leases === undefined || id !== undefined ? 0 : clock.nowUs();
    const leased = id === undefined ? leases?.spend(subject, cost, nowUs) : undefined;
    if (leased !== undefined) return leased;
    const asking = id === undefined ? leases?.ask(subject, nowUs) : undefined;
    try {
      const answer =
        asking === undefined || store.reserveNow === undefined
          ? store.takeNow(subject, policies, cost, id)
          : store.reserveNow(subject, policies, cost, asking);
      if (id === undefined) leases?.answered(subject, cost, asking, nowUs, answer);
      return decide(policies, answer.verdicts, 'store', false, answer.atUs);
    } catch (error) {
      leases?.failed(subject, asking);
      return takeWithoutStore(error, subject, cost, id);
    }
  }

  function takeWithoutStore(error: unknown, subject: string, cost: number, id: string | undefined): Decision {
    tellOf(error);
    const refused = blocks?.findDegraded(subject, policies, cost, clock.nowUs());
    const sending = mayHaveRun(error) ? 'may be sent' : 'not sent';
    return refused ?? answerWithout('take', error, () => share.takeNow(subject, cost, id, sending));
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

  return {
    take,
    takeNow,
    async peek(subject, cost) {
      const leased = leases?.peek(subject, cost, clock.nowUs());
      if (leased !== undefined) return leased;
      try {
        return decide(policies, await store.peek(subject, policies, cost), 'store', false);
      } catch (error) {
        tellOf(error);
        return answerWithout('peek', error, () => share.peek(subject, cost));
      }
    },
  };
}

export const isSynchronous = (store: LimitStore): store is SynchronousLimitStore =>
  store.scope === 'process' && 'takeNow' in store;

/** Unless an error says that nothing was done, something may have been. */
const mayHaveRun = (error: unknown): boolean =>
  !(isSpillwayError(error) && 'mayHaveRun' in error && error.mayHaveRun === false);
