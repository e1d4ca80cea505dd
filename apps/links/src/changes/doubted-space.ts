import type { CacheSpace, LeasedRead } from '@spillway/cache';

/** The same space; while in doubt nothing in it counts as fresh: a value may stand in where nothing newer is to be had. */
export function doubtedSpace(space: CacheSpace, inDoubt: () => boolean): CacheSpace {
  const doubted = <Read extends LeasedRead>(read: Read): Read =>
    'freshForMs' in read ? { ...read, freshForMs: Math.min(read.freshForMs, 0), doubted: true } : read;
  const { leases } = space;
  // What was asked for in doubt stays doubtful, though the doubt may have ended meanwhile.
  return {
    ...space,
    read: (key, claimMs) => (inDoubt() ? space.read(key, claimMs).then(doubted) : space.read(key, claimMs)),
    claim: (key, forMs) => (inDoubt() ? space.claim(key, forMs).then(doubted) : space.claim(key, forMs)),
    ...(leases === undefined
      ? {}
      : {
          leases: {
            ...leases,
            look: (key, terms) => (inDoubt() ? leases.look(key, terms).then(doubted) : leases.look(key, terms)),
            take: (...of) => (inDoubt() ? leases.take(...of).then(doubted) : leases.take(...of)),
          },
        }),
  };
}
