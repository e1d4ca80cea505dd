export type {
  BatchContext,
  BatchLoader,
  Cache,
  GetOptions,
  Invalidated,
  InvalidateTarget,
  LoadContext,
  Loader,
  Look,
  PeekedEntry,
  ReadOptions,
  SetOptions,
  Touched,
  TouchOptions,
} from './cache.ts';
export type {
  CacheBoundMessage,
  CacheErrorMessage,
  CacheFillMessage,
  CacheGapMessage,
  CacheGetMessage,
  CacheInvalidateMessage,
  CacheLoadMessage,
  CacheReport,
  CacheWaitMessage,
  Tier,
} from './channels.ts';
export { createCache } from './create-cache.ts';
export { SharedLoadError, UnsupportedValueError, ValueTooLargeError } from './errors.ts';
export { KeyError } from './keys/key-error.ts';
export { type KeyParts, keyOf } from './keys/key-of.ts';
export { NOT_MODIFIED, type NotModified } from './loading/not-modified.ts';
export type { CacheOptions, L1Options, LoadsOptions } from './options.ts';
export type { CacheStats } from './stats.ts';
export type {
  CacheSpace,
  CacheStore,
  EntryTag,
  LeasedRead,
  LeaseSpace,
  LeaseTerms,
  StoreFill,
  StoreRead,
  StoreState,
  StoreTouch,
  TagRecord,
} from './store.ts';
export type { CacheCodec } from './values/codec.ts';
export { type CompressedOptions, compressed } from './values/compressed.ts';
export { jsonCodec } from './values/json-codec.ts';
