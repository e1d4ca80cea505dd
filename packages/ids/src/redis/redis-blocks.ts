import { createKeys, type RedisLink } from '@spillway/redis';
import type { BlockSource } from '../block-source.ts';
import { BlockSizeMismatchError } from '../errors.ts';
import { countBlocksScript } from './count-blocks-script.ts';

export interface RedisBlocksOptions {
  readonly link: RedisLink;
  /** Ids of different sequences are unrelated. Default `"ids"`. */
  readonly sequence?: string;
  /** The deployment's own part of the key. Default `"spillway"`. */
  readonly prefix?: string;
}

/**
 * Blocks from Redis alone. **A weaker promise than G1**: unique for as long as Redis loses no write, which asks for
 * `appendfsync always`, `maxmemory-policy noeviction`, and no fail-over to a replica that lags. After a flush or a restore the
 * same ids come again. Where there is SQL, take `fencedBlocks`; never both on one sequence.
 */
export function redisBlocks({ link, sequence = 'ids', prefix = 'spillway' }: RedisBlocksOptions): BlockSource {
  const sequenceKey = createKeys({ prefix, package: 'ids', version: 1 })(sequence, 'blocks');
  return {
    async next({ blockSize }) {
      const { number, fixedSize } = await link.run(countBlocksScript, { sequenceKey, blockSize });
      if (fixedSize !== blockSize) throw new BlockSizeMismatchError(sequence, blockSize, fixedSize);
      return { number, proposedBy: 'redis', conflicts: 0 };
    },
  };
}
