import type { SqlQueries } from '@spillway/kernel';
import { HOUR_MS } from './roll-up.ts';
import { bucketsOf, intervalMs, type StatsRange } from './stats-range.ts';

/** What `referrers` calls a click without a referrer. */
export const DIRECT = 'direct';
/** How many values each list has at most. */
export const TOP = 20;
/** How often a question is asked while its answer does not agree with itself. */
const ATTEMPTS = 3;

export interface Counts {
  readonly clicks: number;
  /** Distinct client addresses, bots included. */
  readonly visitors: number;
  readonly bots: number;
}

export interface Share {
  readonly value: string;
  readonly clicks: number;
}

export interface Stats {
  readonly totals: Counts;
  /** One point per hour or day of the range, empty ones too, oldest first. */
  readonly series: readonly (Counts & { readonly atMs: number })[];
  readonly referrers: readonly Share[];
  readonly countries: readonly Share[];
  readonly browsers: readonly Share[];
  readonly systems: readonly Share[];
  readonly devices: readonly Share[];
}

const FACETS = {
  referrers: 'referrer',
  countries: 'country',
  browsers: 'browser',
  systems: 'system',
  devices: 'device',
} as const;
type Facet = keyof typeof FACETS;

interface Row {
  readonly part: Facet | 'hours' | 'edges' | 'visitors' | 'all-visitors';
  readonly value: string;
  readonly clicks: number;
  readonly visitors: number;
  readonly bots: number;
}

/**
 * Exact statistics of one link, or of the whole service. Clicks and bots of whole hours come from the roll-ups, those of the
 * hours that the range cuts, visitors and the lists from the clicks themselves. One statement, hence one snapshot, so that its
 * parts agree. Cost: one pass over the clicks of the range.
 */
export async function readStats(
  sql: SqlQueries,
  of: { readonly linkId: number } | 'service',
  range: StatsRange,
): Promise<Stats> {
  const { text, values } = statsQuery(of, range);
  for (let attempt = 1; ; attempt += 1) {
    const { rows } = await sql.query<Row>(text, values);
    const stats = toStats(rows, range);
    const listed = Number(rows.find(({ part }) => part === 'all-visitors')?.clicks ?? 0);
    // PostgreSQL plans before it takes the snapshot: a day's partition that was made between is seen by the roll-ups only. The
    // next plan knows it.
    if (listed === stats.totals.clicks || attempt === ATTEMPTS) return stats;
  }
}

function statsQuery(of: { readonly linkId: number } | 'service', range: StatsRange) {
  const step = intervalMs(range.interval);
  // The whole hours of the range; none when it lies within one.
  const firstHour = Math.ceil(range.fromMs / HOUR_MS);
  const endHour = Math.max(firstHour, Math.floor(range.toMs / HOUR_MS));
  const values = [range.fromMs, range.toMs, firstHour, endHour, ...(of === 'service' ? [] : [of.linkId])];
  const link = of === 'service' ? '' : 'link_id = $5 AND';
  const hours = of === 'service' ? 'click_service_hours' : 'click_hours';
  // Not one of these is text from outside. `bucket` counts intervals since the epoch.
  const parts = [
    `SELECT 'hours' AS part, CAST(hour / ${step / HOUR_MS} AS TEXT) AS value, CAST(sum(clicks) AS BIGINT) AS clicks,
       0 AS visitors, CAST(sum(bots) AS BIGINT) AS bots
     FROM ${hours} WHERE ${link} hour >= $3 AND hour < $4 GROUP BY hour / ${step / HOUR_MS}`,
    `SELECT 'edges', CAST(bucket AS TEXT), count(*), 0, CAST(sum(bot) AS BIGINT)
     FROM visits WHERE at < CAST($3 AS BIGINT) * ${HOUR_MS} OR at >= CAST($4 AS BIGINT) * ${HOUR_MS} GROUP BY bucket`,
    `SELECT 'visitors', CAST(bucket AS TEXT), 0, count(*), 0
     FROM (SELECT bucket, visitor FROM visits GROUP BY bucket, visitor) AS each_bucket GROUP BY bucket`,
    `SELECT 'all-visitors', '', CAST(coalesce(sum(visits), 0) AS BIGINT), count(*), 0
     FROM (SELECT count(*) AS visits FROM visits GROUP BY visitor) AS each_visitor`,
    ...Object.entries(FACETS).map(
      ([part, column]) =>
        `SELECT * FROM (SELECT '${part}' AS part, ${column} AS value, count(*) AS clicks, 0 AS visitors, 0 AS bots
         FROM visits GROUP BY ${column} ORDER BY clicks DESC, value LIMIT ${TOP}) AS top_${part}`,
    ),
  ];
  const text = `
    WITH visits AS MATERIALIZED (
      SELECT at, at / ${step} AS bucket, visitor, bot, referrer, country, browser, system, device
      FROM clicks WHERE ${link} at >= $1 AND at < $2
    )
    ${parts.join('\nUNION ALL\n')}`;
  return { text, values };
}

function toStats(rows: readonly Row[], range: StatsRange): Stats {
  const { first, count } = bucketsOf(range);
  const step = intervalMs(range.interval);
  const series = Array.from({ length: count }, (_, index) => ({
    atMs: (first + index) * step,
    clicks: 0,
    visitors: 0,
    bots: 0,
  }));
  const lists: Record<Facet, Share[]> = { referrers: [], countries: [], browsers: [], systems: [], devices: [] };
  let visitors = 0;
  for (const { part, value, ...counts } of rows) {
    switch (part) {
      case 'hours':
      case 'edges':
      case 'visitors': {
        const point = series[Number(value) - first];
        if (point === undefined) break;
        point.clicks += Number(counts.clicks);
        point.visitors += Number(counts.visitors);
        point.bots += Number(counts.bots);
        break;
      }
      case 'all-visitors':
        visitors = Number(counts.visitors);
        break;
      default:
        lists[part].push({
          value: part === 'referrers' && value === '' ? DIRECT : value,
          clicks: Number(counts.clicks),
        });
    }
  }
  const totals = { clicks: sum(series, 'clicks'), visitors, bots: sum(series, 'bots') };
  return { totals, series, ...lists };
}

const sum = (points: readonly Counts[], field: 'clicks' | 'bots'): number =>
  points.reduce((total, point) => total + point[field], 0);

/** All clicks of these links so far; a link without one is not in the map. */
export async function clickTotals(sql: SqlQueries, linkIds: readonly number[]): Promise<ReadonlyMap<number, number>> {
  if (linkIds.length === 0) return new Map();
  const places = linkIds.map((_, index) => `$${index + 1}`).join(', ');
  const { rows } = await sql.query<{ link_id: number; clicks: number }>(
    `SELECT link_id, clicks FROM click_totals WHERE link_id IN (${places})`,
    linkIds,
  );
  return new Map(rows.map((row) => [Number(row.link_id), Number(row.clicks)]));
}
