import type { Bus, Issue } from '@spillway/kernel';
import type { Plan, PlanAbilities } from '@spillway/limit';
import type { Logger } from '../log.ts';
import { parsePlan, type WrittenPlan } from './parse-plan.ts';
import { MOST_PLANS, type PlanRow, type PlanStore } from './plan-store.ts';

/** A plan of the database that is in force. */
export interface StoredPlan {
  readonly plan: Plan;
  readonly row: PlanRow;
}

/** The database's plans as they were read last. Immutable: a change is a new one. */
export interface StoredPlanSet {
  readonly byName: ReadonlyMap<string, StoredPlan>;
  readonly defaultPlan: Plan | undefined;
  /** Rows that are wrong now, and what is: the last right version of each stays in force, if there was one. */
  readonly wrong: ReadonlyMap<string, readonly Issue[]>;
}

/**
 * The plans in the database, followed: whoever changes one through the API tells the others over the bus, and every instance reads the
 * table now and then besides, so that a lost message, or a change with SQL, is noticed within a second too. While the database is
 * away the plans stay as they were.
 */
export interface StoredPlans {
  readonly now: StoredPlanSet;
  /**
   * To be called after a change: reads it here, and has all others read it.
   * @throws {StoreUnavailableError} when the database does not answer: it is read once it does
   */
  changed(): Promise<void>;
  close(): Promise<void>;
}

export interface StoredPlansOptions {
  readonly store: Pick<PlanStore, 'list'>;
  readonly bus: Bus | undefined;
  /** What plans can be counted by here. */
  readonly able: PlanAbilities;
  readonly log: Pick<Logger, 'error'>;
  readonly everyMs?: number;
}

const TOPIC = 'links.plans';
/** With a query's time less than a second. */
const READ_EVERY_MS = 700;

/** @throws {StoreUnavailableError} when the database does not answer at first */
export async function openStoredPlans(options: StoredPlansOptions): Promise<StoredPlans> {
  const { store, bus, able, log, everyMs = READ_EVERY_MS } = options;
  let text = '';
  let now: StoredPlanSet = { byName: new Map(), defaultPlan: undefined, wrong: new Map() };
  const read = async (): Promise<void> => {
    const rows = await store.list();
    const textNow = JSON.stringify(rows);
    if (textNow === text) return;
    text = textNow;
    now = plansFrom(rows, now, able);
    for (const [name, issues] of now.wrong) {
      log.error({ plan: name, issues }, `the plan "${name}" in the database is wrong, and passed over`);
    }
  };
  await read();

  // One after the other: what was read first must not come last. A reading that waits is as good for all who come before it begins.
  let running: Promise<void> = Promise.resolve();
  let waiting: Promise<void> | undefined;
  const readAgain = (): Promise<void> => {
    if (waiting !== undefined) return waiting;
    const next = running.then(() => {
      waiting = undefined;
      return read();
    });
    waiting = next;
    running = next.catch(() => undefined);
    return next;
  };
  let closed = false;
  let timer: NodeJS.Timeout;
  const schedule = (): void => {
    timer = setTimeout(() => void look().finally(() => (closed ? undefined : schedule())), everyMs);
    timer.unref();
  };
  // The database is away: the next round finds what changed.
  const look = () => readAgain().catch(() => undefined);
  schedule();
  const stops = bus === undefined ? [] : [bus.subscribe(TOPIC, () => void look()), bus.onGap(() => void look())];
  return {
    get now() {
      return now;
    },
    async changed() {
      bus?.publish(TOPIC, 'changed');
      await readAgain();
    },
    async close() {
      closed = true;
      clearTimeout(timer);
      for (const stop of stops) stop();
      await running;
    },
  };
}

function plansFrom(rows: readonly PlanRow[], before: StoredPlanSet, able: PlanAbilities): StoredPlanSet {
  const byName = new Map<string, StoredPlan>();
  const wrong = new Map<string, readonly Issue[]>();
  for (const row of rows.slice(0, MOST_PLANS)) {
    const parsed = parseRow(row, able);
    if ('plan' in parsed) {
      byName.set(row.name, { plan: parsed.plan, row });
      continue;
    }
    wrong.set(row.name, parsed.issues);
    const last = before.byName.get(row.name);
    if (last !== undefined) byName.set(row.name, { plan: last.plan, row: { ...last.row, isDefault: row.isDefault } });
  }
  const beyond = rows[MOST_PLANS];
  if (beyond !== undefined) {
    const message = `is one of more than ${MOST_PLANS}, by name, which are not read; delete some`;
    wrong.set(beyond.name, [{ path: 'name', message }]);
  }
  const defaultPlan = [...byName.values()].find(({ row }) => row.isDefault)?.plan;
  return { byName, defaultPlan, wrong };
}

function parseRow({ name, definition }: PlanRow, able: PlanAbilities): ReturnType<typeof parsePlan> {
  let written: unknown;
  try {
    written = JSON.parse(definition);
  } catch {
    return { issues: [{ path: 'definition', message: 'must be JSON; put the plan again with the API' }] };
  }
  if (typeof written !== 'object' || written === null || Array.isArray(written)) {
    return { issues: [{ path: 'definition', message: 'must be a JSON object with "policies"' }] };
  }
  return parsePlan(name, written as WrittenPlan, able);
}
