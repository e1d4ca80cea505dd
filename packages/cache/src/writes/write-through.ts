import type { SetOptions } from '../cache.ts';
import { type ReadThrough, type ReadThroughOptions, readThrough } from './read-through.ts';

export interface WriteThroughOptions<Value> extends ReadThroughOptions<Value> {
  /** Writes to the truth, and resolves once it is committed, with what stands there now: what reads are to answer. */
  readonly write: (key: string, value: Value) => Promise<Value>;
  /** Removes from the truth, and resolves once that is committed. */
  readonly remove: (key: string) => Promise<void>;
}

/** A cache through which one writes, too. */
export interface WriteThrough<Value> extends ReadThrough<Value> {
  /**
   * Writes to the truth, then to the cache, and resolves with what stands there now. The truth decides: the write has been made when this
   * resolves, whatever became of the cache. A cache that did not take the value takes an invalidation instead, which is not lost: it is
   * remembered and made up for, as by `invalidate`. Any number may write a key at the same time.
   * @throws what `write` throws. It may have been made all the same (a COMMIT whose answer was lost): the key is read from the truth next
   */
  put(key: string, value: Value, options?: SetOptions): Promise<Value>;
  /** The same for nothing: afterwards it is known that there is no value, for `negativeTtl`. */
  remove(key: string, options?: SetOptions): Promise<void>;
}

/** Binds a cache to what reads and writes its truth. */
export function writeThrough<Value>(options: WriteThroughOptions<Value>): WriteThrough<Value> {
  const { cache, write, remove } = options;
  return {
    ...readThrough(options),
    put: (key, value, given) => cache.write(key, () => write(key, value), given),
    remove: async (key, given) => {
      await cache.write(
        key,
        async () => {
          await remove(key);
          return undefined;
        },
        given,
      );
    },
  };
}
