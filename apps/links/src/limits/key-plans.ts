import type { Issue } from '@spillway/kernel';
import {
  compositeKey,
  createPlanLimiter,
  type Decision,
  type LimitStore,
  type Plan,
  type PlanAbilities,
  type PlanBook,
  type Policy,
} from '@spillway/limit';
import type { DecisionCounts } from './decision-counts.ts';
import type { PlansInForce } from './plan-source.ts';
import { issuesOfKey, type PlannedKey, planOfKey } from './planned-key.ts';

/** What a key's plan says to a call, and by which policies. */
export interface PlanAnswer {
  readonly decision: Decision;
  readonly policies: readonly Policy[];
}

/** The limits of API keys, each by its plan. */
export interface KeyPlans {
  /** Charges a key, counted over all instances; undefined where it has no plan. The same `id` is charged once within ten minutes. */
  take(key: PlannedKey, cost: number, id?: string): Promise<PlanAnswer | undefined>;
  /** Whether it has a plan. */
  has(key: PlannedKey): boolean;
  /** The same without charging it. */
  peek(key: PlannedKey, cost: number): Promise<PlanAnswer | undefined>;
  /** What is wrong with a plan and limits that a key is to have. */
  issuesOf(key: {
    readonly id: string;
    readonly plan: string | undefined;
    readonly limits: readonly unknown[];
  }): readonly Issue[];
  close(): Promise<void>;
}

export interface KeyPlansOptions {
  readonly source: PlansInForce;
  readonly store: LimitStore;
  readonly presence: { readonly instances: number };
  readonly countsOf: (name: string) => DecisionCounts;
  /** What keys may be counted by. */
  readonly able: PlanAbilities;
}

/** Keys with limits of their own that are told apart at once; beyond it all limiters are made anew (G7). */
const MOST_OWN = 5_000;

export function createKeyPlans({ source, store, presence, countsOf, able }: KeyPlansOptions): KeyPlans {
  // A limiter belongs to a plan, the object: keys of the same plan and limits have the same one.
  const made = new Map<string, Plan>();
  let base = source.plans;
  let shown = source.plans;
  const find = (key: PlannedKey): Plan | undefined => {
    if (base !== source.plans || made.size >= MOST_OWN) {
      made.clear();
      base = source.plans;
      shown = { ...base };
    }
    if (key.limits === undefined) return planOfKey(source, key);
    const name = textOf(key);
    const known = made.get(name);
    if (known !== undefined) return known;
    const plan = planOfKey(source, key);
    if (plan !== undefined) made.set(name, plan);
    return plan;
  };
  const book: PlanBook = {
    get plans() {
      return shown;
    },
    replace: () => undefined,
    planOf: (text) => find(keyOf(text)) ?? source.plans.defaultPlan,
  };
  const limiter = createPlanLimiter({ book }, { store, presence });

  const asked = async (
    how: 'take' | 'peek',
    key: PlannedKey,
    cost: number,
    id?: string,
  ): Promise<(PlanAnswer & { readonly plan: string }) | undefined> => {
    const plan = find(key);
    if (plan === undefined) return undefined;
    // The limiter asks for the plan before anything can change it.
    const decision = await limiter[how](textOf(key), {
      cost,
      subject: compositeKey('key', key.id),
      ...(id === undefined ? {} : { id }),
    });
    return { decision, policies: plan.policies, plan: plan.name };
  };
  return {
    async take(key, cost, id) {
      const answer = await asked('take', key, cost, id);
      if (answer !== undefined) countsOf(`plan:${answer.plan}`).count(answer.decision);
      return answer;
    },
    has: (key) => find(key) !== undefined,
    peek: (key, cost) => asked('peek', key, cost),
    issuesOf: (key) => issuesOfKey(source, able, key),
    close: () => limiter.close(),
  };
}

// What the plan limiter takes for a key: all that the plan depends on, so that nothing has to be remembered of keys.
const textOf = ({ id, plan, limits }: PlannedKey): string => JSON.stringify([id, plan ?? null, limits ?? null]);

function keyOf(text: string): PlannedKey {
  const [id, plan, limits] = JSON.parse(text) as [string, string | null, string | null];
  return { id, plan: plan ?? undefined, limits: limits ?? undefined };
}
