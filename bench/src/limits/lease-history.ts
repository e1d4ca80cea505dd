/**
 * What leases admitted, dense enough to be kept while they decide a million takes a second: one count for each millisecond of the store's
 * clock and key. It is checked as packages/limit/test/support/check-leases.ts checks single admissions.
 */
export interface LeaseHistory {
  /** Admissions of key k in millisecond m at [m * keys + k]: one such table for each process. */
  readonly tables: readonly Uint16Array[];
  readonly keys: number;
  /** How far a moment may be off, the millisecond that it was cut down to included. */
  readonly errorMs: number;
}

export interface LeaseBound {
  readonly capacity: number;
  readonly perSecond: number;
  readonly maxAgeMs: number;
}

/** @throws {Error} when an interval w saw more of a key than capacity + rate x (w + maxAge). Otherwise the highest part of it that was used. */
export function checkHistory({ tables, keys, errorMs }: LeaseHistory, bound: LeaseBound): number {
  const { capacity, perSecond, maxAgeMs } = bound;
  const perMs = perSecond / 1000;
  // The ends of an interval are two moments, each so far off.
  const most = capacity + perMs * (maxAgeMs + 2 * errorMs);
  const rows = (tables[0]?.length ?? 0) / keys;
  let highest = 0;
  for (let key = 0; key < keys; key += 1) {
    // It leaks at the policy's rate: within `most` exactly when all intervals keep to the bound.
    let level = 0;
    for (let row = 0; row < rows; row += 1) {
      let admitted = 0;
      for (const table of tables) admitted += table[row * keys + key] as number;
      level = Math.max(0, level - perMs) + admitted;
      if (level > most)
        throw new Error(`${Math.ceil(level)} of key ${key} were admitted at once, the bound is ${most}`);
      highest = Math.max(highest, level);
    }
  }
  return highest / most;
}
