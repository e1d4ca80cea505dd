export { type AppliedWrites, type ApplyWritesOptions, applyWrites } from './apply-writes.ts';
export { type MemoryWriteLog, type MemoryWriteLogOptions, memoryWriteLog } from './memory-write-log.ts';
export { type ReadThrough, type ReadThroughOptions, readThrough } from './read-through.ts';
export type { Write } from './to-writes.ts';
export { type WriteBehind, type WriteBehindOptions, type WriteBehindStats, writeBehind } from './write-behind.ts';
export type { LoggedWrite, WriteLog } from './write-log.ts';
export { type WriteThrough, type WriteThroughOptions, writeThrough } from './write-through.ts';
