import type { Limiter } from '@spillway/limit';

/** Limiters that are made when they are first wanted, a bounded number of them (G7). */
export interface LimiterCache {
  /** That of `owner` by this name; made by `open` if there is none. */
  get(owner: string, name: string, open: () => Limiter): Limiter;
  readonly size: number;
  close(): Promise<void>;
}

/**
 * When `most` are kept, a new one takes the place of the one that was not used for longest of whoever has most: so nobody can
 * push out the limiters of another by making many. What a limiter has in its store stays there; what is lost is what it
 * remembered by itself: refusals, and what it counted while the store was away.
 */
export function createLimiterCache(most: number): LimiterCache {
  const owners = new Map<string, Map<string, Limiter>>();
  let size = 0;
  const makeRoom = (): void => {
    let [largest, own] = ['', new Map<string, Limiter>()];
    for (const [owner, limiters] of owners) if (limiters.size > own.size) [largest, own] = [owner, limiters];
    const [oldest] = own;
    if (oldest === undefined) return;
    own.delete(oldest[0]);
    if (own.size === 0) owners.delete(largest);
    size -= 1;
    void oldest[1].close();
  };
  return {
    get(owner, name, open) {
      const own = owners.get(owner);
      const known = own?.get(name);
      if (own !== undefined && known !== undefined) {
        own.delete(name);
        own.set(name, known);
        return known;
      }
      const made = open();
      if (size >= most) makeRoom();
      const mine = owners.get(owner) ?? new Map<string, Limiter>();
      owners.set(owner, mine.set(name, made));
      size += 1;
      return made;
    },
    get size() {
      return size;
    },
    async close() {
      await Promise.all([...owners.values()].flatMap((own) => [...own.values()].map((limiter) => limiter.close())));
      owners.clear();
      size = 0;
    },
  };
}
