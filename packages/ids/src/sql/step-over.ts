import { ConfigurationError, type SqlRunner } from '@spillway/kernel';

export interface StepOverOptions {
  readonly sql: SqlRunner;
  /** How many numbers to close: at least the highest that was ever taken (`stats().lastBlock`) minus the highest restored. */
  readonly blocks: number;
  /** Default: all sequences. */
  readonly sequence?: string;
}

/**
 * After a restore or a fail-over that lost commits, and *before* any instance connects: closes every block that may have been
 * given out without a trace, gaps below the highest number included, so that none is given out again (G1).
 * Resolves to the new floors.
 */
export async function stepOver({
  sql,
  blocks,
  sequence,
}: StepOverOptions): Promise<{ sequence: string; floor: number }[]> {
  if (!Number.isSafeInteger(blocks) || blocks < 1) {
    throw new ConfigurationError('Can not step over a margin like this:', [
      { path: 'blocks', message: `must be an integer >= 1, got ${JSON.stringify(blocks)}` },
    ]);
  }
  // Not GREATEST, which SQLite does not know.
  const taken = 'COALESCE((SELECT MAX(number) FROM id_blocks WHERE sequence = id_sequences.name), 0)';
  const { rows } = await sql.query<{ name: string; floor: number | string }>(
    `UPDATE id_sequences
     SET floor = CAST($1 AS bigint) + CASE WHEN floor > ${taken} THEN floor ELSE ${taken} END
     ${sequence === undefined ? '' : 'WHERE name = $2'}
     RETURNING name, floor`,
    sequence === undefined ? [blocks] : [blocks, sequence],
  );
  return rows.map((row) => ({ sequence: row.name, floor: Number(row.floor) }));
}
