/**
 * Keys whose delete in the store is not confirmed. While a key is here, this instance does not read it from the store. Bounded:
 * what does not fit makes the whole store unreadable until everything in it has been disowned.
 */
export interface PendingDeletes {
  /** Returns a mark to `confirm` with, or undefined when there was no room. */
  add(key: string): number | undefined;
  /** Does nothing when the key was added again since. */
  confirm(key: string, mark: number): void;
  has(key: string): boolean;
  /** Up to `max` keys with their marks, oldest first, none newer than the mark `upTo`. */
  batch(max: number, upTo: number): readonly (readonly [key: string, mark: number])[];
  /** The mark given last. */
  readonly newest: number;
  readonly size: number;
}

export function createPendingDeletes(bounds: { maxKeys: number; maxLength: number }): PendingDeletes {
  const marks = new Map<string, number>();
  let length = 0;
  let last = 0;
  return {
    add(key) {
      if (!marks.has(key)) {
        if (marks.size >= bounds.maxKeys || length + key.length > bounds.maxLength) return undefined;
        length += key.length;
      }
      last += 1;
      // Deleted first, so that the map stays in the order of the marks.
      marks.delete(key);
      marks.set(key, last);
      return last;
    },
    confirm(key, mark) {
      if (marks.get(key) !== mark) return;
      marks.delete(key);
      length -= key.length;
    },
    has: (key) => marks.size > 0 && marks.has(key),
    batch(max, upTo) {
      const found: [string, number][] = [];
      for (const entry of marks) {
        if (found.length >= max || entry[1] > upTo) break;
        found.push(entry);
      }
      return found;
    },
    get newest() {
      return last;
    },
    get size() {
      return marks.size;
    },
  };
}
