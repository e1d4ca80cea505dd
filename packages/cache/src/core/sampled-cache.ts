import { type Evictable, PROBATION } from './eviction.ts';
import { mix } from './hash-key.ts';
import { type Preference, TinyLfu } from './tiny-lfu.ts';

const BUCKETS = 512;

interface SampledKey extends Evictable<SampledKey> {
  hash: number;
  next: SampledKey | undefined;
}

/**
 * What a cache of another preference would hit, told by a small one that sees a sample of the keys, and holds their hashes alone.
 * Cost: O(1); allocates nothing once it is full.
 * Source: Waldspurger et al., "Cache Modeling and Optimization using Miniature Simulations", USENIX ATC 2017.
 */
export class SampledCache {
  readonly #policy = new TinyLfu<SampledKey>();
  readonly #buckets: (SampledKey | undefined)[] = new Array<SampledKey | undefined>(BUCKETS).fill(undefined);

  constructor(prefer: Preference) {
    this.#policy.prefer = prefer;
  }

  /** One use of a key: 1 when it was there, else 0, and then it is, among at most `capacity`. */
  use(hash: number, capacity: number): 0 | 1 {
    const bucket = bucketOf(hash);
    for (let key = this.#buckets[bucket]; key !== undefined; key = key.next) {
      if (key.hash === hash) {
        this.#policy.touch(key);
        return 1;
      }
    }
    const key = this.#makeRoom(capacity) ?? createKey();
    key.hash = hash;
    key.next = this.#buckets[bucket];
    this.#buckets[bucket] = key;
    this.#policy.add(key);
    return 0;
  }

  /** The key that left last, to be used again. */
  #makeRoom(capacity: number): SampledKey | undefined {
    let left: SampledKey | undefined;
    while (this.#policy.size >= capacity) {
      const victim = this.#policy.victim();
      if (victim === undefined) break;
      this.#policy.remove(victim);
      this.#unlink(victim);
      left = victim;
    }
    return left;
  }

  #unlink(gone: SampledKey): void {
    const bucket = bucketOf(gone.hash);
    let before = this.#buckets[bucket];
    if (before === gone) this.#buckets[bucket] = gone.next;
    else {
      while (before !== undefined && before.next !== gone) before = before.next;
      if (before !== undefined) before.next = gone.next;
    }
    gone.next = undefined;
  }
}

// The low bits are alike in all of a sample.
const bucketOf = (hash: number): number => mix(hash) & (BUCKETS - 1);

const createKey = (): SampledKey => ({
  hash: 0,
  uses: 0,
  usedAt: 0,
  queuedAt: 0,
  segment: PROBATION,
  newer: undefined,
  older: undefined,
  next: undefined,
});
