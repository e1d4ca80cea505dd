import { type Clock, OverloadedError } from '@spillway/kernel';

/** A map whose entries end by themselves, bounded, that gives up none before its time. */
export interface ExpiringMap<Value> {
  get(key: string): Value | undefined;
  /** @throws {OverloadedError} when it is full and the key is not in it */
  set(key: string, value: Value, forMs: number): void;
  delete(key: string): void;
}

/** How many old entries are looked at with each write: more than one, so that what has ended is found faster than new ones come. */
const LOOKS = 4;

export function createExpiringMap<Value>(what: string, maxEntries: number, clock: Clock): ExpiringMap<Value> {
  const entries = new Map<string, { readonly value: Value; readonly endsUs: number }>();
  // From the oldest on; what has not ended yet goes to the back, so that all are looked at in turn.
  const sweep = (): void => {
    const nowUs = clock.nowUs();
    let looks = LOOKS;
    for (const [key, entry] of entries) {
      if (looks === 0) return;
      looks -= 1;
      entries.delete(key);
      if (entry.endsUs > nowUs) entries.set(key, entry);
    }
  };
  return {
    get(key) {
      const entry = entries.get(key);
      return entry !== undefined && entry.endsUs > clock.nowUs() ? entry.value : undefined;
    },
    set(key, value, forMs) {
      sweep();
      if (entries.size >= maxEntries && !entries.has(key)) throw new OverloadedError(what, maxEntries);
      entries.delete(key);
      entries.set(key, { value, endsUs: clock.nowUs() + forMs * 1_000 });
    },
    delete: (key) => void entries.delete(key),
  };
}
