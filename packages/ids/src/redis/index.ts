export { type FencedBlocksOptions, fencedBlocks } from './fenced-blocks.ts';
export { type RedisBlocksOptions, redisBlocks } from './redis-blocks.ts';
