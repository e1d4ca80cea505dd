import { createPlanBook, openPlanFile, type PlanAbilities, type Plans, shippedPlans } from '@spillway/limit';
import type { Foundation } from '../foundation/foundation.ts';
import { mergePlans } from '../plans/merge-plans.ts';
import { createPlanStore, type PlanStore } from '../plans/plan-store.ts';
import { openStoredPlans, type StoredPlanSet, type StoredPlans } from '../plans/stored-plans.ts';

/** The plans that are in force now, read anew by everything that decides by them. */
export interface PlansInForce {
  readonly plans: Plans;
  /** Whether a key that was given no plan has the plans' default one, or none. */
  readonly forEveryKey: boolean;
}

interface PlanBase {
  readonly kind: 'file' | 'shipped';
  readonly plans: Plans;
  /** Why the file is passed over now, and its last right plans stay in force. */
  readonly error: Error | undefined;
}

export interface PlanSource extends PlansInForce {
  /** What is not in the database: a file's as they are now, or those that are shipped. */
  readonly base: PlanBase;
  readonly store: PlanStore;
  /** The database's, which go before them. */
  readonly stored: StoredPlans;
  /** What plans can be counted by here. */
  readonly able: PlanAbilities;
  /** Versions of the file that were wrong, and passed over. */
  readonly mistakes: number;
  /** What is wrong right now: the file (1, else 0), and plans in the database. */
  readonly wrong: { readonly file: number; readonly database: number };
  close(): Promise<void>;
}

/** A file's plans are in force so soon after it changed. */
const READ_EVERY = '500ms';

/** @throws {ConfigurationError} naming the file and everything that is wrong in it */
export async function openPlans(
  { config, log, database, neighbours }: Pick<Foundation, 'config' | 'log' | 'database' | 'neighbours'>,
  able: PlanAbilities,
): Promise<PlanSource> {
  const base = await openBase(config.plansFile, log, able);
  const store = createPlanStore(database.sql);
  const stored = await openStoredPlans({ store, bus: neighbours.bus, able, log }).catch((error: unknown) => {
    base.close();
    throw error;
  });
  let merged: { readonly base: Plans; readonly stored: StoredPlanSet; readonly plans: Plans } | undefined;
  return {
    get plans() {
      // The same object until something changes: limiters are made for it.
      if (merged === undefined || merged.base !== base.plans || merged.stored !== stored.now) {
        merged = { base: base.plans, stored: stored.now, plans: mergePlans(base.plans, stored.now) };
      }
      return merged.plans;
    },
    get forEveryKey() {
      return base.kind === 'file' || stored.now.defaultPlan !== undefined;
    },
    base,
    store,
    stored,
    able,
    get mistakes() {
      return base.mistakes;
    },
    get wrong() {
      return { file: base.error === undefined ? 0 : 1, database: stored.now.wrong.size };
    },
    async close() {
      base.close();
      await stored.close();
    },
  };
}

async function openBase(
  path: string | undefined,
  log: Foundation['log'],
  able: PlanAbilities,
): Promise<PlanBase & { readonly mistakes: number; close(): void }> {
  if (path === undefined) {
    const { plans } = createPlanBook(shippedPlans());
    return { kind: 'shipped', plans, error: undefined, mistakes: 0, close: () => undefined };
  }
  let mistakes = 0;
  const file = await openPlanFile(path, {
    every: READ_EVERY,
    ...able,
    onError(error) {
      mistakes += 1;
      log.error({ err: error, file: path }, 'the plans stay as they were, since the file is wrong now');
    },
  });
  return {
    kind: 'file',
    get plans() {
      return file.plans;
    },
    get error() {
      return file.error;
    },
    get mistakes() {
      return mistakes;
    },
    close: () => file.close(),
  };
}
