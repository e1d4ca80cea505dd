import type { SqlQueries } from '@spillway/kernel';
import { DIRECT } from './stats.ts';

/** One click as it is shown. */
export interface RawClick {
  readonly atMs: number;
  /** 16 hexadecimal digits: the same for all clicks of one client address, and nothing more. */
  readonly visitor: string;
  readonly bot: boolean;
  readonly country: string;
  readonly browser: string;
  readonly system: string;
  readonly device: string;
  readonly referrer: string;
}

/** Where a page ended: the next one begins after it. */
export interface ClickCursor {
  readonly atMs: number;
  readonly id: number;
}

interface Row extends Record<'country' | 'browser' | 'system' | 'device' | 'referrer' | 'visitor', string> {
  readonly id: number;
  readonly at: number;
  readonly bot: number;
}

/**
 * A page of a link's clicks, newest first; clicks of one millisecond in the order they were written. Clicks that arrive
 * meanwhile do not shift the pages.
 */
export async function readClicks(
  sql: SqlQueries,
  page: { readonly linkId: number; readonly after?: ClickCursor | undefined; readonly limit: number },
): Promise<{ readonly clicks: readonly RawClick[]; readonly next: ClickCursor | undefined }> {
  const after = page.after === undefined ? [] : [page.after.atMs, page.after.id];
  // One more than asked for tells whether there is a next page.
  const { rows } = await sql.query<Row>(
    `SELECT id, at, CAST(visitor AS TEXT) AS visitor, bot, country, browser, system, device, referrer
     FROM clicks WHERE link_id = $1 ${after.length === 0 ? '' : 'AND at <= $3 AND (at < $3 OR id < $4)'}
     ORDER BY at DESC, id DESC LIMIT $2`,
    [page.linkId, page.limit + 1, ...after],
  );
  const shown = rows.slice(0, page.limit);
  const last = rows.length > page.limit ? shown.at(-1) : undefined;
  return {
    clicks: shown.map(toRawClick),
    next: last === undefined ? undefined : { atMs: Number(last.at), id: Number(last.id) },
  };
}

function toRawClick(row: Row): RawClick {
  const { country, browser, system, device } = row;
  return {
    atMs: Number(row.at),
    visitor: BigInt.asUintN(64, BigInt(row.visitor)).toString(16).padStart(16, '0'),
    bot: Number(row.bot) === 1,
    country,
    browser,
    system,
    device,
    referrer: row.referrer === '' ? DIRECT : row.referrer,
  };
}

export function formatCursor({ atMs, id }: ClickCursor): string {
  return Buffer.from(`${atMs}.${id}`).toString('base64url');
}

/** Undefined when `text` is no cursor of ours. */
export function parseCursor(text: string): ClickCursor | undefined {
  const match = /^(\d{1,15})\.(\d{1,15})$/.exec(Buffer.from(text, 'base64url').toString('latin1'));
  if (match === null) return undefined;
  const cursor = { atMs: Number(match[1]), id: Number(match[2]) };
  // Node passes over what is no base64url.
  return formatCursor(cursor) === text ? cursor : undefined;
}
