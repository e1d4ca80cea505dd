/**
 * Keys of which other instances have said that the store may hold their old values: they could not delete them yet. Bounded: beyond
 * `maxKeys` the oldest suspicion is dropped, and after `forUs` any is, since its reporter may have died.
 */
export interface Suspects {
  add(key: string, reporter: string, nowUs: number): void;
  has(key: string, nowUs: number): boolean;
  /** The reporter has deleted it. Returns whether it was suspected for that until now. */
  acquit(key: string, reporter: string, nowUs: number): boolean;
  /** It was deleted by this instance, beginning after the suspicion `upTo`. */
  clear(key: string, upTo: number): void;
  /** The number of the last suspicion. */
  readonly newest: number;
  readonly size: number;
}

interface Suspicion {
  readonly number: number;
  readonly untilUs: number;
}

/** Of one key; of more the last ones are kept, since instances come and go. */
const MAX_REPORTERS = 16;

export function createSuspects(bounds: { maxKeys: number; forUs: number }, onBound: () => void): Suspects {
  // By reporter, per key; keys in the order of their first suspicion.
  const keys = new Map<string, Map<string, Suspicion>>();
  let newest = 0;

  const dropOldest = (): void => {
    const [oldest] = keys.keys();
    if (oldest === undefined) return;
    keys.delete(oldest);
    onBound();
  };
  /** Takes those away that `which` names. Returns whether any is left. */
  const prune = (key: string, which: (suspicion: Suspicion) => boolean): boolean => {
    const suspicions = keys.get(key);
    if (suspicions === undefined) return false;
    for (const [reporter, suspicion] of suspicions) if (which(suspicion)) suspicions.delete(reporter);
    if (suspicions.size === 0) keys.delete(key);
    return suspicions.size > 0;
  };

  return {
    add(key, reporter, nowUs) {
      if (!keys.has(key) && keys.size >= bounds.maxKeys) dropOldest();
      const suspicions = keys.get(key) ?? new Map<string, Suspicion>();
      suspicions.delete(reporter);
      const [first] = suspicions.keys();
      if (suspicions.size >= MAX_REPORTERS && first !== undefined) suspicions.delete(first);
      newest += 1;
      suspicions.set(reporter, { number: newest, untilUs: nowUs + bounds.forUs });
      keys.set(key, suspicions);
    },
    has: (key, nowUs) => keys.size > 0 && prune(key, ({ untilUs }) => nowUs >= untilUs),
    acquit(key, reporter, nowUs) {
      const suspicion = keys.get(key)?.get(reporter);
      if (suspicion === undefined) return false;
      prune(key, (each) => each === suspicion);
      return nowUs < suspicion.untilUs;
    },
    clear: (key, upTo) => void prune(key, ({ number }) => number <= upTo),
    get newest() {
      return newest;
    },
    get size() {
      return keys.size;
    },
  };
}
