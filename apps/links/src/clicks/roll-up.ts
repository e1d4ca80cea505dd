import type { ClickRow } from './click-row.ts';

export const HOUR_MS = 3_600_000;
export const DAY_MS = 86_400_000;

/** Clicks of one roll-up row: a link's hour, a link's total, or an hour of the whole service. */
export interface RollUp {
  /** 0 for the whole service. */
  readonly linkId: number;
  /** Hours since the Unix epoch; 0 for a total. */
  readonly hour: number;
  clicks: number;
  bots: number;
}

/**
 * What a batch adds to the roll-ups. Each list is sorted by its key: every writer takes the rows of a table in one order, so
 * that two can not deadlock.
 */
export interface RollUps {
  /** Per link and hour. */
  readonly hours: readonly RollUp[];
  /** Per link. */
  readonly totals: readonly RollUp[];
  /** Per hour of the whole service. */
  readonly service: readonly RollUp[];
}

/** By link, then time: how a batch is rolled up, and how its rows lie in the table, so that a link's clicks are close together. */
export function inOrder(rows: readonly ClickRow[]): readonly ClickRow[] {
  return [...rows].sort((a, b) => a.linkId - b.linkId || a.atMs - b.atMs);
}

/** One pass over rows that are `inOrder`. */
export function rollUp(rows: readonly ClickRow[]): RollUps {
  const hours: RollUp[] = [];
  const totals: RollUp[] = [];
  const service = new Map<number, RollUp>();
  for (const { linkId, atMs, bot } of rows) {
    const hour = Math.floor(atMs / HOUR_MS);
    let linkHour = hours.at(-1);
    if (linkHour?.linkId !== linkId || linkHour.hour !== hour) {
      linkHour = { linkId, hour, clicks: 0, bots: 0 };
      hours.push(linkHour);
    }
    let total = totals.at(-1);
    if (total?.linkId !== linkId) {
      total = { linkId, hour: 0, clicks: 0, bots: 0 };
      totals.push(total);
    }
    let serviceHour = service.get(hour);
    if (serviceHour === undefined) {
      serviceHour = { linkId: 0, hour, clicks: 0, bots: 0 };
      service.set(hour, serviceHour);
    }
    for (const each of [linkHour, total, serviceHour]) {
      each.clicks += 1;
      if (bot) each.bots += 1;
    }
  }
  return { hours, totals, service: [...service.values()].sort((a, b) => a.hour - b.hour) };
}
