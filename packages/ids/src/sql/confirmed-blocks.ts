import { type Random, type SqlRunner, StoreUnavailableError } from '@spillway/kernel';
import type { Block, BlockRequest, BlockSource } from '../block-source.ts';
import { createBlockFence, MAX_JUMP } from './block-fence.ts';

/** Who thinks of numbers. It may repeat itself, forget, or make them up: the fence decides. */
export interface BlockProposer {
  readonly name: string;
  /** A number, preferably new and above `floor`; `undefined` when it has none to offer now: then SQL proposes. Never rejects. */
  propose(floor: number): Promise<number | undefined>;
}

/** Each conflict means that somebody took a block meanwhile, or that the proposer forgot: this many can only be a fault. */
const MAX_CONFLICTS = 16;
/** So often the proposer may be wrong about one block before SQL proposes. */
const MAX_MISLEADING = 3;

/** Propose, confirm, and on a conflict again above all that is taken. The protocol is docs/4.protocols/ids.md. */
export function confirmedBlocks(options: {
  sql: SqlRunner;
  sequence: string;
  random: Random;
  proposer: BlockProposer;
}): BlockSource {
  const { sequence, random, proposer } = options;
  const fence = createBlockFence(options);
  // Whether SQL was there the last time. At first, the sequence may have to be made, and the proposer is best started above what
  // is taken; and while SQL is away, asking it first keeps every try from using up a proposal.
  let trusted = false;

  const takeBlock = async ({ blockSize, signal }: BlockRequest): Promise<Block> => {
    let floor = trusted ? 0 : await fence.highest(blockSize);
    let misleading = 0;
    for (let conflicts = 0; conflicts < MAX_CONFLICTS; conflicts++) {
      signal?.throwIfAborted();
      const proposed = misleading < MAX_MISLEADING ? await proposer.propose(floor) : undefined;
      let number = proposed;
      if (number === undefined) {
        floor = await fence.highest(blockSize);
        // After a conflict in steps of chance, so that instances that run in step come apart. What is stepped over is burned.
        number = floor + 1 + Math.floor(random() * 2 * conflicts);
      }
      const proposedBy = proposed === undefined ? 'sql' : proposer.name;
      if (await fence.confirm(number, blockSize, proposedBy)) return { number, proposedBy, conflicts };
      floor = await fence.highest(blockSize);
      // A counter that is too high would never come back down by raising it.
      if (proposed !== undefined) misleading = number > floor + MAX_JUMP ? MAX_MISLEADING : misleading + 1;
    }
    throw new StoreUnavailableError(sequence, undefined, `gave no free block in ${MAX_CONFLICTS} tries`);
  };

  return {
    async next(request) {
      try {
        const block = await takeBlock(request);
        trusted = true;
        return block;
      } catch (error) {
        trusted = false;
        throw error;
      }
    },
  };
}
