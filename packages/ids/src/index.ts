export type { BlockMessage } from './block-channel.ts';
export type { Block, BlockRequest, BlockSource } from './block-source.ts';
export { BlockOutOfRangeError, BlockSizeMismatchError, IdOutOfRangeError, SecretMismatchError } from './errors.ts';
export { createIdAllocator, type IdAllocator, type IdAllocatorOptions, type IdAllocatorStats } from './id-allocator.ts';
export { memoryBlocks } from './memory/memory-blocks.ts';
export { createShortCode, type ShortCode, type ShortCodeOptions } from './short-code.ts';
