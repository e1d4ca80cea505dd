import { readFile } from 'node:fs/promises';
import { ConfigurationError, type Duration, toMs } from '@spillway/kernel';
import { createPlanBook, type PlanBook, type PlanBookOptions } from './plan-book.ts';
import { type PlanAbilities, type Plans, parsePlans, refuseUnable } from './plans.ts';

export interface PlanFileOptions extends PlanBookOptions, PlanAbilities {
  /** How often the file is read: a change holds after so long. Default `"500ms"`. */
  readonly every?: Duration;
  /** Called when the file can not be read or holds wrong plans: the last good ones stay in force. Default: a process warning. */
  readonly onError?: (error: Error) => void;
}

export interface PlanFile extends PlanBook {
  /** Why the file is passed over now, and the last good plans stay in force; undefined while it is right. */
  readonly error: Error | undefined;
  /** Ends the reading. */
  close(): void;
}

/**
 * Plans from a JSON file (see `parsePlans`), read again and again: who changes the file on every machine, changes the plans on every
 * instance. Write it beside and rename it over: a half-written file is told as an error and passed over.
 * @throws {ConfigurationError} when the file can not be read at first, or holds wrong plans
 */
export async function openPlanFile(path: string, options: PlanFileOptions = {}): Promise<PlanFile> {
  const { every = '500ms', onError = (error) => process.emitWarning(error), ...rest } = options;
  const { strategies, modes, ...bookOptions } = rest;
  const able = { strategies, modes };
  const everyMs = toMs(every);
  let text = await read(path);
  const book = createPlanBook(plansFrom(path, text, able), bookOptions);
  let failed: Error | undefined;
  let closed = false;
  let timer: NodeJS.Timeout;

  const look = async (): Promise<void> => {
    try {
      const now = await read(path);
      if (closed || (now === text && failed === undefined)) return;
      if (now !== text) book.replace(plansFrom(path, now, able));
      text = now;
      failed = undefined;
    } catch (error) {
      // Once for each way to be wrong, not twice a second.
      const known = failed?.message;
      failed = error as Error;
      if (!closed && failed.message !== known) onError(failed);
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
    get error() {
      return failed;
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

function plansFrom(path: string, text: string, able: PlanAbilities): Plans {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch (error) {
    throw new ConfigurationError(`The plans in "${path}" are no JSON (${(error as Error).message})`);
  }
  try {
    const plans = parsePlans(data);
    refuseUnable(plans, able);
    return plans;
  } catch (error) {
    if (error instanceof ConfigurationError)
      throw new ConfigurationError(`The plans in "${path}" are wrong:`, error.issues);
    throw error;
  }
}
