import type { CacheSpace, StoreRead } from '@spillway/cache';

/** The same space; while in doubt nothing in it counts as fresh: a value may stand in where nothing newer is to be had. */
export function doubtedSpace(space: CacheSpace, inDoubt: () => boolean): CacheSpace {
  const doubted = <Read extends StoreRead>(read: Read): Read =>
    'freshForMs' in read ? { ...read, freshForMs: Math.min(read.freshForMs, 0), doubted: true } : read;
  // What was asked for in doubt stays doubtful, though the doubt may have ended meanwhile.
  return {
    ...space,
    read: (key, claimMs) => (inDoubt() ? space.read(key, claimMs).then(doubted) : space.read(key, claimMs)),
    claim: (key, forMs) => (inDoubt() ? space.claim(key, forMs).then(doubted) : space.claim(key, forMs)),
  };
}
