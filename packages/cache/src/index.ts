export type {
  Cache,
  GetOptions,
  Invalidated,
  InvalidateTarget,
  LoadContext,
  Loader,
  Look,
  PeekedEntry,
  SetOptions,
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
  Tier,
} from './channels.ts';
export { createCache } from './create-cache.ts';
export { UnsupportedValueError, ValueTooLargeError } from './errors.ts';
export { KeyError } from './keys/key-error.ts';
export { type KeyParts, keyOf } from './keys/key-of.ts';
export type { CacheOptions, L1Options, LoadsOptions } from './options.ts';
export type { CacheStats } from './stats.ts';
export type { CacheSpace, CacheStore, StoreFill, StoreRead, StoreState } from './store.ts';
export type { CacheCodec } from './values/codec.ts';
export { type CompressedOptions, compressed } from './values/compressed.ts';
export { jsonCodec } from './values/json-codec.ts';
