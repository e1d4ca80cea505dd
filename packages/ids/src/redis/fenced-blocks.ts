import type { Random, SqlRunner } from '@spillway/kernel';
import { createKeys, type RedisLink } from '@spillway/redis';
import type { BlockSource } from '../block-source.ts';
import { type BlockProposer, confirmedBlocks } from '../sql/confirmed-blocks.ts';
import { proposeScript } from './propose-script.ts';

export interface FencedBlocksOptions {
  /** May be down, hung, flushed or restored at any time. */
  readonly link: RedisLink;
  /** On the primary; `idMigrations` have run. */
  readonly sql: SqlRunner;
  /** Ids of different sequences are unrelated. Default `"ids"`. */
  readonly sequence?: string;
  /** The deployment's own part of the key. Default `"spillway"`. */
  readonly prefix?: string;
  readonly random?: Random;
}

/** Redis proposes, SQL confirms, and SQL alone does both while Redis is away (G1). The protocol is docs/4.protocols/ids.md. */
export function fencedBlocks(options: FencedBlocksOptions): BlockSource {
  const { link, sql, sequence = 'ids', prefix = 'spillway', random = Math.random } = options;
  const counterKey = createKeys({ prefix, package: 'ids', version: 1 })(sequence, 'counter');
  const proposer: BlockProposer = {
    name: 'redis',
    async propose(floor) {
      try {
        const number = await link.run(proposeScript, { counterKey, floor });
        return number > 0 ? number : undefined;
      } catch {
        // Away, past its deadline, read-only, full, or something else under the key: whatever it is, SQL proposes instead, and
        // the link tells of its own state.
        return undefined;
      }
    },
  };
  return confirmedBlocks({ sql, sequence, random, proposer });
}
