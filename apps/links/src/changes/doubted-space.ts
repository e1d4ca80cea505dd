import type { CacheSpace, StoreRead } from '@spillway/cache';

/** The same space; while in doubt nothing in it counts as fresh: a value may stand in where nothing newer is to be had. */
export function doubtedSpace(space: CacheSpace, inDoubt: () => boolean): CacheSpace {
  const doubted = <Read extends StoreRead>(read: Read): Read =>
    inDoubt() && 'freshForMs' in read ? { ...read, freshForMs: Math.min(read.freshForMs, 0) } : read;
  return {
    ...space,
    read: async (key) => doubted(await space.read(key)),
    claim: async (key, forMs) => doubted(await space.claim(key, forMs)),
  };
}
