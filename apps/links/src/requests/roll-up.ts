import { HOUR_MS } from '../clicks/roll-up.ts';
import { outcomeOf, type RequestRecord, showClient } from './request.ts';

export const MINUTE_MS = 60_000;

/** Whose requests are counted together. Kept as a place in this list: add at the end only. */
export const SUBJECTS = ['key', 'client'] as const;
export type SubjectKind = (typeof SUBJECTS)[number];

export const kindOf = (by: SubjectKind): number => SUBJECTS.indexOf(by);

/** What is counted, in the order of the columns. All but `recorded` are weighed. */
export const COUNTS = [
  'recorded',
  'requests',
  'limited',
  'not_found',
  'unauthorized',
  'refused',
  'failed',
  'cost',
  'denied',
] as const;
type Counted = Record<(typeof COUNTS)[number], number>;

/** A row of `request_minutes` or `request_hours`. */
export interface RollUp extends Counted {
  readonly kind: number;
  /** Minutes, or hours, since the Unix epoch. */
  readonly step: number;
  /** A key's id, or a client's hash as it is shown. */
  readonly subject: string;
  readonly route: string;
}

/** What a batch adds to each table, sorted by its key: all writers take the rows in one order, so that no two can deadlock. */
export interface RollUps {
  readonly minutes: readonly RollUp[];
  readonly hours: readonly RollUp[];
}

export function rollUp(records: readonly RequestRecord[]): RollUps {
  const minutes = createSums();
  const hours = createSums();
  for (const record of records) {
    for (const [sums, stepMs] of [
      [minutes, MINUTE_MS],
      [hours, HOUR_MS],
    ] as const) {
      const step = Math.floor(record.atMs / stepMs);
      // Requests without a key are nobody's: they show under their clients.
      if (record.key !== '') add(sums.at(kindOf('key'), step, record.key, record.route), record);
      add(sums.at(kindOf('client'), step, showClient(record.client), record.route), record);
    }
  }
  return { minutes: minutes.sorted(), hours: hours.sorted() };
}

function createSums() {
  const sums = new Map<string, RollUp>();
  return {
    at(kind: number, step: number, subject: string, route: string): RollUp {
      const key = JSON.stringify([kind, step, subject, route]);
      let sum = sums.get(key);
      if (sum === undefined) {
        const zeros = Object.fromEntries(COUNTS.map((name) => [name, 0])) as Counted;
        sum = { kind, step, subject, route, ...zeros };
        sums.set(key, sum);
      }
      return sum;
    },
    sorted: () => [...sums.values()].sort(inOrder),
  };
}

const inOrder = (a: RollUp, b: RollUp): number =>
  a.kind - b.kind || a.step - b.step || compare(a.subject, b.subject) || compare(a.route, b.route);

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function add(sum: RollUp, record: RequestRecord): void {
  const { cost, weight } = record;
  sum.recorded += 1;
  sum.requests += weight;
  sum.cost += weight * cost;
  const outcome = outcomeOf(record);
  if (outcome === 'allowed') return;
  sum[outcome === 'not-found' ? 'not_found' : outcome] += weight;
}
