export type { BloomShape } from '../core/bloom/bloom-shape.ts';
export type { BloomBatch, BloomSpace, BloomStore } from './bloom-store.ts';
export { type BloomFilter, type BloomStats, createBloomFilter } from './create-bloom-filter.ts';
export { memoryBloomStore } from './memory-bloom-store.ts';
export type { BloomFilterOptions } from './parse-bloom-options.ts';
export type { Rebuilt } from './rebuild.ts';
