import type { Random, SqlRunner } from '@spillway/kernel';
import type { BlockSource } from '../block-source.ts';
import { type BlockProposer, confirmedBlocks } from './confirmed-blocks.ts';

export interface SqlBlocksOptions {
  /** On the primary; `idMigrations` have run. */
  readonly sql: SqlRunner;
  /** Ids of different sequences are unrelated. Default `"ids"`. */
  readonly sequence?: string;
  readonly random?: Random;
}

/** Blocks from SQL alone: as unique as with Redis in front (G1), a few more conflicts when many instances start at once. */
export function sqlBlocks({ sql, sequence = 'ids', random = Math.random }: SqlBlocksOptions): BlockSource {
  const noOne: BlockProposer = { name: 'sql', propose: async () => undefined };
  return confirmedBlocks({ sql, sequence, random, proposer: noOne });
}
