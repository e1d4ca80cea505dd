import type { Cache, GetOptions, Invalidated, InvalidateTarget, Loader, Look } from '../cache.ts';

/** A cache that knows where its values come from. */
export interface ReadThrough<Value> {
  /** As `get` of the cache, without the loader. */
  get(key: string, options?: GetOptions<Value>): Promise<Value | undefined>;
  /** As `get`, and says where the answer came from. */
  look(key: string, options?: GetOptions<Value>): Promise<Look<Value>>;
  /** Call it after somebody else has changed the truth. */
  invalidate(target: InvalidateTarget): Promise<Invalidated>;
}

export interface ReadThroughOptions<Value> {
  /** Borrowed: whoever made it closes it. */
  readonly cache: Cache<Value>;
  readonly load: Loader<Value>;
}

/** Binds a cache to its loader, so that no caller can load a key in another way than the others. */
export function readThrough<Value>({ cache, load }: ReadThroughOptions<Value>): ReadThrough<Value> {
  return {
    get: (key, options) => cache.get(key, load, options),
    look: (key, options) => cache.look(key, load, options),
    invalidate: (target) => cache.invalidate(target),
  };
}
