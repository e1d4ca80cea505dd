import { type Clock, OverloadedError, type Presence, type Random } from '@spillway/kernel';
import type { Decision } from './core/decision.ts';
import { decide, decideWithoutStore } from './decide.ts';
import { memoryLimitStore } from './memory/memory-store.ts';
import type { Refund } from './store.ts';
import type { Policy } from './strategies/policy.ts';
import { sharePolicy } from './strategies/share-policy.ts';

/** Limits without a store: this instance's part of each policy, counted in its own memory. */
export interface Share {
  takeNow(key: string, cost: number, id: string | undefined): Decision;
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
  /** True when the store should have decided. */
  readonly degraded: boolean;
}

export function createShare(options: ShareOptions): Share {
  const { policies, presence, maxKeys, clock, random, degraded } = options;
  const store = memoryLimitStore({ maxKeys, clock, random });
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
    takeNow(key, cost, id) {
      const parts = current();
      try {
        const { verdicts, atUs } = store.takeNow(key, parts, cost, id);
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
    refund: (key, refund) => store.refund(key, current(), refund),
    block: (key, forUs) => store.block(key, current(), forUs),
    reset: (key) => store.reset(key, current()),
  };
}
