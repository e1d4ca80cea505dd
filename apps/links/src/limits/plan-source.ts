import { createPlanBook, openPlanFile, type Plans, type StrategyName, shippedPlans } from '@spillway/limit';
import type { Foundation } from '../foundation/foundation.ts';

/** The plans that are in force now, read anew by everything that decides by them. */
export interface PlanSource {
  readonly plans: Plans;
  /** Whether a key that was given no plan has the plans' default one, or none. */
  readonly forEveryKey: boolean;
  /** Versions of the file that were wrong, and passed over. */
  readonly mistakes: number;
  close(): void;
}

/** A file's plans are in force so soon after it changed. */
const READ_EVERY = '500ms';

/** @throws {ConfigurationError} naming the file and everything that is wrong in it */
export async function openPlans(
  { config, log }: Pick<Foundation, 'config' | 'log'>,
  strategies: ReadonlySet<StrategyName>,
): Promise<PlanSource> {
  const path = config.plansFile;
  if (path === undefined) {
    const { plans } = createPlanBook(shippedPlans());
    return { plans, forEveryKey: false, mistakes: 0, close: () => undefined };
  }
  let mistakes = 0;
  const file = await openPlanFile(path, {
    every: READ_EVERY,
    strategies,
    onError(error) {
      mistakes += 1;
      log.error({ err: error, file: path }, 'the plans stay as they were, since the file is wrong now');
    },
  });
  return {
    get plans() {
      return file.plans;
    },
    forEveryKey: true,
    get mistakes() {
      return mistakes;
    },
    close: () => file.close(),
  };
}
