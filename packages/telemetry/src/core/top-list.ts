/**
 * The keys that came most often, out of any number, in `size` counters: Space-Saving (Metwally, Agrawal, El Abbadi, "Efficient
 * computation of frequent and top-k elements in data streams", 2005). A key that has no counter takes over the one that counts least,
 * with its count, which from then on is the most by which the newcomer's may be too high.
 *
 * With N additions in all: a count is never too low, and too high by at most its `error`, which is at most N / size; and every
 * key that came more than N / size times is in the list. O(log size) for each addition, in a heap whose root counts least.
 */
export interface TopEntry {
  readonly key: string;
  /** At most so often, and at least `count - error` times. */
  readonly count: number;
  readonly error: number;
}

export interface TopList {
  add(key: string): void;
  /** The `most` highest counts, highest first. */
  top(most: number): readonly TopEntry[];
  /** Additions since the start, or since `clear`. */
  readonly total: number;
  clear(): void;
}

interface Counter {
  key: string;
  count: number;
  error: number;
  /** Where it stands in the heap. */
  at: number;
}

/** `own` makes the key that is kept of one that was given; it is asked for those that get a counter alone. */
export function createTopList(size: number, own: (key: string) => string = (key) => key): TopList {
  const heap: Counter[] = [];
  const byKey = new Map<string, Counter>();
  let total = 0;

  const place = (counter: Counter, at: number): void => {
    heap[at] = counter;
    counter.at = at;
  };
  const sinkDown = (counter: Counter): void => {
    let { at } = counter;
    for (;;) {
      const left = 2 * at + 1;
      const right = left + 1;
      let least = heap[left];
      const other = heap[right];
      if (least !== undefined && other !== undefined && other.count < least.count) least = other;
      if (least === undefined || counter.count <= least.count) break;
      const below = least.at;
      place(least, at);
      at = below;
    }
    place(counter, at);
  };
  const riseUp = (counter: Counter): void => {
    let { at } = counter;
    while (at > 0) {
      const above = heap[(at - 1) >> 1] as Counter;
      if (above.count <= counter.count) break;
      const free = above.at;
      place(above, at);
      at = free;
    }
    place(counter, at);
  };

  return {
    add(key) {
      total += 1;
      const known = byKey.get(key);
      if (known !== undefined) {
        known.count += 1;
        sinkDown(known);
        return;
      }
      if (heap.length < size) {
        const counter = { key: own(key), count: 1, error: 0, at: heap.length };
        byKey.set(counter.key, counter);
        heap.push(counter);
        riseUp(counter);
        return;
      }
      const least = heap[0] as Counter;
      byKey.delete(least.key);
      least.key = own(key);
      least.error = least.count;
      least.count += 1;
      byKey.set(least.key, least);
      sinkDown(least);
    },
    top: (most) =>
      heap
        .toSorted((one, other) => other.count - one.count || one.error - other.error)
        .slice(0, most)
        .map(({ key, count, error }) => ({ key, count, error })),
    get total() {
      return total;
    },
    clear() {
      heap.length = 0;
      byKey.clear();
      total = 0;
    },
  };
}
