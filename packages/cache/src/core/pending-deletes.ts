/**
 * Keys whose delete in the store is not confirmed. While a key is here, this instance does not read it from the store. Bounded:
 * what does not fit makes the whole store unreadable until everything in it has been disowned.
 */
export interface PendingDeletes {
  /**
   * Returns a mark to `confirm` with, or undefined when there was no room.
   * @param remember the store has to remember the delete; so it does when any of several of one key asked for it
   */
  add(key: string, remember: boolean): number | undefined;
  /** Does nothing, and says so, when the key was added again since. */
  confirm(key: string, mark: number): boolean;
  has(key: string): boolean;
  /** Whether any delete of it that is not confirmed asked for it. */
  remembers(key: string): boolean;
  /** Up to `max` keys, oldest first, none newer than the mark `upTo`. */
  batch(max: number, upTo: number): readonly PendingDelete[];
  /** The mark given last. */
  readonly newest: number;
  readonly size: number;
}

export interface PendingDelete {
  readonly key: string;
  readonly mark: number;
  readonly remember: boolean;
}

export function createPendingDeletes(bounds: { maxKeys: number; maxLength: number }): PendingDeletes {
  const all = new Map<string, PendingDelete>();
  let length = 0;
  let last = 0;
  return {
    add(key, remember) {
      const present = all.get(key);
      if (present === undefined) {
        if (all.size >= bounds.maxKeys || length + key.length > bounds.maxLength) return undefined;
        length += key.length;
      }
      last += 1;
      // Deleted first, so that the map stays in the order of the marks.
      all.delete(key);
      all.set(key, { key, mark: last, remember: remember || present?.remember === true });
      return last;
    },
    confirm(key, mark) {
      if (all.get(key)?.mark !== mark) return false;
      all.delete(key);
      length -= key.length;
      return true;
    },
    has: (key) => all.size > 0 && all.has(key),
    remembers: (key) => all.get(key)?.remember === true,
    batch(max, upTo) {
      const found: PendingDelete[] = [];
      for (const pending of all.values()) {
        if (found.length >= max || pending.mark > upTo) break;
        found.push(pending);
      }
      return found;
    },
    get newest() {
      return last;
    },
    get size() {
      return all.size;
    },
  };
}
