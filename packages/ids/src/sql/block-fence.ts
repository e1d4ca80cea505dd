import type { SqlDialect, SqlRunner } from '@spillway/kernel';
import { BlockSizeMismatchError } from '../errors.ts';

/** The fence of docs/4.protocols/ids.md: whoever proposes, a block may be used only after `confirm` said so. */
export interface BlockFence {
  /**
   * True when this very call took the block. False: someone has it already, it lies below the floor, or it is too far up.
   * When it rejects, the block may have been taken all the same: it is burned, and must not be used nor asked for again.
   */
  confirm(number: number, blockSize: number, proposedBy: string): Promise<boolean>;
  /**
   * The highest number taken or closed, 0 at first. Creates the sequence when it is new.
   * @throws {BlockSizeMismatchError} when the sequence was first used with another block size
   */
  highest(blockSize: number): Promise<number>;
}

/** A proposal further above the highest number is not believed: one absurd counter would use up the sequence for ever. */
export const MAX_JUMP = 100_000;

// One statement, so that it commits or does not. Everything it compares is fixed by then, except `floor`, which is only raised
// while nobody is connected. DO NOTHING waits for a competing insert of the same number to commit or roll back.
const confirmText = (condition: string) => `
  INSERT INTO id_blocks (sequence, number, proposed_by)
  SELECT name, CAST($2 AS bigint), $4 FROM id_sequences
  WHERE name = $1 AND block_size = CAST($3 AS bigint) AND CAST($2 AS bigint) > floor
    AND (CAST($2 AS bigint) <= floor + CAST($5 AS bigint)
      OR CAST($2 AS bigint) <= (SELECT MAX(number) FROM id_blocks WHERE sequence = $1) + CAST($5 AS bigint))
    AND ${condition}
  ON CONFLICT (sequence, number) DO NOTHING
  RETURNING number`;

const CONFIRM: Readonly<Record<SqlDialect, string>> = {
  // A commit that a crash could lose would open the fence again: this statement waits for the disk whatever the session says.
  postgres: confirmText(`CASE current_setting('synchronous_commit')
      WHEN 'off' THEN set_config('synchronous_commit', 'on', true) = 'on' ELSE true END`),
  sqlite: confirmText('true'),
};

const CREATE = `
  INSERT INTO id_sequences (name, block_size) VALUES ($1, CAST($2 AS bigint)) ON CONFLICT (name) DO NOTHING`;

const HIGHEST = `
  SELECT block_size, floor, (SELECT MAX(number) FROM id_blocks WHERE sequence = $1) AS taken
  FROM id_sequences WHERE name = $1`;

interface SequenceRow {
  readonly block_size: number | string;
  readonly floor: number | string;
  readonly taken: number | string | null;
}

export function createBlockFence({ sql, sequence }: { sql: SqlRunner; sequence: string }): BlockFence {
  const read = async () => (await sql.query<SequenceRow>(HIGHEST, [sequence])).rows[0];
  return {
    async confirm(number, blockSize, proposedBy) {
      const values = [sequence, number, blockSize, proposedBy, MAX_JUMP];
      return (await sql.query(CONFIRM[sql.dialect], values)).rows.length === 1;
    },
    async highest(blockSize) {
      let row = await read();
      if (row === undefined) {
        await sql.query(CREATE, [sequence, blockSize]);
        row = await read();
      }
      if (row === undefined)
        throw new Error(`The sequence "${sequence}" vanished while it was being made; is this a replica?`);
      const fixed = Number(row.block_size);
      if (fixed !== blockSize) throw new BlockSizeMismatchError(sequence, blockSize, fixed);
      return Math.max(Number(row.taken ?? 0), Number(row.floor));
    },
  };
}
