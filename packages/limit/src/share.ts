import { type Clock, OverloadedError, type Presence, type Random } from '@spillway/kernel';
import type { Decision, Verdict } from './core/decision.ts';
import { decide, decideWithoutStore } from './decide.ts';
import type { OwedTable } from './hand-over/owed-table.ts';
import { memoryLimitStore } from './memory/memory-store.ts';
import type { Refund, SynchronousLimitStore } from './store.ts';
import type { Policy } from './strategies/policy.ts';
import { sharePolicy } from './strategies/share-policy.ts';

/** Limits without a store: this instance's part of each policy, counted in its own memory. */
export interface Share {
  /** `sending`: whether the store may be charged for the same take by a command that is still on its way. */
  takeNow(key: string, cost: number, id: string | undefined, sending: 'not sent' | 'may be sent'): Decision;
  peek(key: string, cost: number): Promise<Decision>;
  refund(key: string, refund: Refund): Promise<void>;
  /** @throws {OverloadedError} when as many keys are blocked as are kept */
  block(key: string, forUs: number): Promise<void>;
  reset(key: string): Promise<void>;
}

export interface ShareOptions {
  readonly policies: readonly Policy[];
  readonly presence: Pick<Presence, 'instances'>;
  readonly maxKeys: number;
  readonly clock: Clock;
  readonly random: Random;
  /** What stands between it and the memory that it counts in. */
  readonly shareBy: (store: SynchronousLimitStore) => SynchronousLimitStore;
  /** True when the store should have decided. */
  readonly degraded: boolean;
  /** Keeps what the store has to be told of; undefined where there is none to be told. */
  readonly owed: OwedTable | undefined;
}

export function createShare(options: ShareOptions): Share {
  const { policies, presence, maxKeys, clock, random, shareBy, degraded, owed } = options;
  const store = shareBy(memoryLimitStore({ maxKeys, clock, random }));
  let instances = 1;
  let shares = policies;
  const current = (): readonly Policy[] => {
    if (presence.instances !== instances) {
      instances = presence.instances;
      shares = policies.map((policy) => sharePolicy(policy, instances));
    }
    return shares;
  };
  return {
    takeNow(key, cost, id, sending) {
      const parts = current();
      try {
        const { verdicts, atUs } = store.takeNow(key, parts, cost, id);
        // A repeat of an id is free here, and unknown there: neither is handed over.
        if (owed !== undefined && sending === 'not sent' && id === undefined && verdicts.every(isAllowed)) {
          owed.add(key, parts, cost, verdicts, clock.nowUs());
        }
        return decide(parts, verdicts, 'share', degraded, atUs);
      } catch (error) {
        if (error instanceof OverloadedError) return decideWithoutStore(parts, 'denied');
        throw error;
      }
    },
    async peek(key, cost) {
      const parts = current();
      return decide(parts, await store.peek(key, parts, cost), 'share', degraded);
    },
    async refund(key, refund) {
      if (refund.id === undefined) owed?.giveBack(key, refund.cost);
      await store.refund(key, current(), refund);
    },
    async block(key, forUs) {
      owed?.forget(key);
      await store.block(key, current(), forUs);
    },
    async reset(key) {
      owed?.forget(key);
      await store.reset(key, current());
    },
  };
}

const isAllowed = ({ outcome }: Verdict): boolean => outcome === 'allowed';
