import type { Clock, Presence, Random } from '@spillway/kernel';
import type { Decision } from './core/decision.ts';
import type { Policy } from './strategies/policy.ts';
import { sharePolicy } from './strategies/share-policy.ts';
import { decide } from './decide.ts';
import { memoryLimitStore } from './memory/memory-store.ts';

/** Limits without a store: this instance's part of each policy, counted in its own memory. */
export interface Share {
  takeNow(key: string, cost: number): Decision;
  peek(key: string, cost: number): Promise<Decision>;
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
    takeNow(key, cost) {
      const parts = current();
      return decide(parts, store.takeNow(key, parts, cost), 'share', degraded);
    },
    async peek(key, cost) {
      const parts = current();
      return decide(parts, await store.peek(key, parts, cost), 'share', degraded);
    },
    reset: (key) => store.reset(key, current()),
  };
}
