import { channel } from 'node:diagnostics_channel';
import type { LimitUnknownPlanMessage } from '../messages.ts';
import type { Plan, Plans } from './plans.ts';

/** The plans as they are now. Everything that decides by them asks anew each time, so that a change holds at once. */
export interface PlanBook {
  readonly plans: Plans;
  /** Puts new plans into force. What was taken under a policy of the same name and strategy stays taken. */
  replace(plans: Plans): void;
  /** The plan of a key. */
  planOf(key: string): Plan;
}

export interface PlanBookOptions {
  /**
   * The name of a key's plan, for an application that keeps it with its keys; undefined: as the plans say. Asked at each take: it
   * should answer from memory. A name that no plan has means the default plan (`spillway:limit:unknown-plan`).
   */
  readonly planOf?: (key: string) => string | undefined;
}

const unknownPlan = channel('spillway:limit:unknown-plan');

export function createPlanBook(initial: Plans, { planOf }: PlanBookOptions = {}): PlanBook {
  let plans = initial;
  return {
    get plans() {
      return plans;
    },
    replace(next) {
      plans = next;
    },
    planOf(key) {
      const own = plans.byKey.get(key);
      if (own !== undefined) return own;
      const name = planOf?.(key);
      if (name === undefined) return plans.defaultPlan;
      const plan = plans.byName.get(name);
      if (plan !== undefined) return plan;
      if (unknownPlan.hasSubscribers) unknownPlan.publish({ plan: name } satisfies LimitUnknownPlanMessage);
      return plans.defaultPlan;
    },
  };
}
