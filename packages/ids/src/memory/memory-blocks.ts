import type { BlockSource } from '../block-source.ts';
import { BlockSizeMismatchError } from '../errors.ts';

/**
 * Blocks counted in this process: unique among the allocators on this very object, and only until the process ends.
 * For tests, and for ids that nothing outlives.
 */
export function memoryBlocks(): BlockSource {
  let number = 0;
  let fixedSize: number | undefined;
  return {
    async next({ blockSize }) {
      fixedSize ??= blockSize;
      if (fixedSize !== blockSize) throw new BlockSizeMismatchError('memory', blockSize, fixedSize);
      number += 1;
      return { number, proposedBy: 'memory', conflicts: 0 };
    },
  };
}
