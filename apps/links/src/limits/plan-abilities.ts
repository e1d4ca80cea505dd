import type { LimitStore, PlanAbilities, PlanMode } from '@spillway/limit';

/** What plans of keys can be counted by in a store. */
export function planAbilities({ strategies, reserve }: Pick<LimitStore, 'strategies' | 'reserve'>): PlanAbilities {
  const modes: readonly PlanMode[] = reserve === undefined ? ['exact'] : ['exact', 'lease'];
  return {
    // A call holds nothing that could be given back: keys are not counted by slots.
    strategies: new Set([...strategies].filter((strategy) => strategy !== 'concurrency')),
    modes: new Set(modes),
  };
}
