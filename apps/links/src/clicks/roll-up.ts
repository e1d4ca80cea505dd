import type { ClickRow } from './click-row.ts';

export const HOUR_MS = 3_600_000;
export const DAY_MS = 86_400_000;

/** Clicks of one roll-up row: a link's hour, a link's total, or an hour of the whole service. */
export interface RollUp {
  readonly key: number;
  readonly hour: number;
  clicks: number;
  bots: number;
}

export interface RollUps {
  /** Per link and hour, sorted by both: every writer takes the rows in one order, so that two can not deadlock. */
  readonly hours: readonly RollUp[];
  /** Per link, sorted. `hour` is 0. */
  readonly totals: readonly RollUp[];
  /** Per hour of the whole service, sorted. `key` is 0. */
  readonly service: readonly RollUp[];
}

export function rollUp(rows: readonly ClickRow[]): RollUps {
  const hours = new Map<string, RollUp>();
  const totals = new Map<number, RollUp>();
  const service = new Map<number, RollUp>();
  for (const row of rows) {
    const hour = hourOf(row.atMs);
    add(hours, `${row.linkId}:${hour}`, row.linkId, hour, row.bot);
    add(totals, row.linkId, row.linkId, 0, row.bot);
    add(service, hour, 0, hour, row.bot);
  }
  return { hours: sorted(hours), totals: sorted(totals), service: sorted(service) };
}

/** Hours since the Unix epoch. */
export function hourOf(atMs: number): number {
  return Math.floor(atMs / HOUR_MS);
}

function add<Key>(into: Map<Key, RollUp>, id: Key, key: number, hour: number, bot: boolean): void {
  const known = into.get(id);
  if (known === undefined) {
    into.set(id, { key, hour, clicks: 1, bots: bot ? 1 : 0 });
  } else {
    known.clicks += 1;
    if (bot) known.bots += 1;
  }
}

function sorted(rows: ReadonlyMap<unknown, RollUp>): RollUp[] {
  return [...rows.values()].sort((a, b) => a.key - b.key || a.hour - b.hour);
}
