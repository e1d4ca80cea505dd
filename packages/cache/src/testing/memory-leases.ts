import type { LeaseSpace, StoreRead } from '../store.ts';

export interface MemoryLease {
  readonly token: string;
  endsMs: number;
  waited: boolean;
}

/** What the leases of a store in memory need of its entries. */
export interface LeasedEntries {
  /** By entry, for all who opened the same store. */
  readonly leases: Map<string, MemoryLease>;
  readonly idOf: (key: string) => string;
  readonly act: <Result>(key: string, effect: () => Result) => Promise<Result>;
  readonly nowMs: () => number;
  readonly nextToken: () => string;
  readonly tokenOf: (key: string) => string | undefined;
  readonly read: (key: string) => StoreRead;
  /** Nothing is there, or nothing but a claim. */
  readonly isClaim: (key: string) => boolean;
  /** The same entry with another token; a claim where there is nothing. */
  readonly retoken: (key: string, token: string, claimMs: number) => void;
}

export function memoryLeases({
  leases,
  idOf,
  act,
  nowMs,
  nextToken,
  tokenOf,
  read,
  isClaim,
  retoken,
}: LeasedEntries): LeaseSpace {
  const holding = (key: string, token: string | undefined): MemoryLease | undefined => {
    const lease = leases.get(idOf(key));
    return lease !== undefined && lease.token === token && lease.token === tokenOf(key) && lease.endsMs > nowMs()
      ? lease
      : undefined;
  };
  return {
    look: (key) => act(key, () => read(key)),
    take: (key, seen, { leaseMs, claimMs }) =>
      act(key, () => {
        const present = read(key);
        if (present.kind !== 'absent' && !isClaim(key) && present.token !== seen) return present;
        const lease = holding(key, tokenOf(key));
        if (lease !== undefined) {
          lease.waited = true;
          return { kind: 'loading', token: lease.token, leftMs: lease.endsMs - nowMs() };
        }
        const token = nextToken();
        retoken(key, token, claimMs);
        leases.set(idOf(key), { token, endsMs: nowMs() + leaseMs, waited: false });
        return { kind: 'leased', token };
      }),
    renew: (key, token, leaseMs) =>
      act(key, () => {
        const lease = holding(key, token);
        if (lease === undefined) return 'lost';
        lease.endsMs = nowMs() + leaseMs;
        return 'renewed';
      }),
    release: (key, token) =>
      act(key, () => {
        const lease = leases.get(idOf(key));
        if (lease?.token !== token || lease.endsMs <= nowMs()) return 'lost';
        leases.delete(idOf(key));
        return lease.waited ? 'waited' : 'unwaited';
      }),
  };
}
