import { readFile } from 'node:fs/promises';
import { ConfigurationError, type Duration, toMs } from '@spillway/kernel';
import type { StrategyName } from '../strategies/policy.ts';
import { createPlanBook, type PlanBook, type PlanBookOptions } from './plan-book.ts';
import { type Plans, parsePlans, refuseStrategies } from './plans.ts';

export interface PlanFileOptions extends PlanBookOptions {
  /** How often the file is read: a change holds after so long. Default `"500ms"`. */
  readonly every?: Duration;
  /** Called when the file can not be read or holds wrong plans: the last good ones stay in force. Default: a process warning. */
  readonly onError?: (error: Error) => void;
  /** What can be counted by, e.g. a store's `strategies`: plans with another one are wrong. Default: all. */
  readonly strategies?: ReadonlySet<StrategyName>;
}

export interface PlanFile extends PlanBook {
  /** Ends the reading. */
  close(): void;
}

/**
 * Plans from a JSON file (see `parsePlans`), read again and again: who changes the file on every machine, changes the plans on every
 * instance. Write it beside and rename it over: a half-written file is told as an error and passed over.
 * @throws {ConfigurationError} when the file can not be read at first, or holds wrong plans
 */
export async function openPlanFile(path: string, options: PlanFileOptions = {}): Promise<PlanFile> {
  const { every = '500ms', onError = (error) => process.emitWarning(error), strategies, ...bookOptions } = options;
  const everyMs = toMs(every);
  let text = await read(path);
  const book = createPlanBook(plansFrom(path, text, strategies), bookOptions);
  let failed: string | undefined;
  let closed = false;
  let timer: NodeJS.Timeout;

  const look = async (): Promise<void> => {
    try {
      const now = await read(path);
      if (closed || (now === text && failed === undefined)) return;
      if (now !== text) book.replace(plansFrom(path, now, strategies));
      text = now;
      failed = undefined;
    } catch (error) {
      // Once for each way to be wrong, not twice a second.
      const { message } = error as Error;
      if (!closed && message !== failed) onError(error as Error);
      failed = message;
    }
  };
  const schedule = (): void => {
    timer = setTimeout(() => void look().finally(() => (closed ? undefined : schedule())), everyMs);
    timer.unref();
  };
  schedule();
  return {
    get plans() {
      return book.plans;
    },
    replace: book.replace,
    planOf: book.planOf,
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new ConfigurationError(`The plans in "${path}" can not be read (${(error as Error).message})`);
  }
}

function plansFrom(path: string, text: string, strategies: ReadonlySet<StrategyName> | undefined): Plans {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch (error) {
    throw new ConfigurationError(`The plans in "${path}" are no JSON (${(error as Error).message})`);
  }
  try {
    const plans = parsePlans(data);
    if (strategies !== undefined) refuseStrategies(plans, strategies);
    return plans;
  } catch (error) {
    if (error instanceof ConfigurationError)
      throw new ConfigurationError(`The plans in "${path}" are wrong:`, error.issues);
    throw error;
  }
}
