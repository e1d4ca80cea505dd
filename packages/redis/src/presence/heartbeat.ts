import type { Presence, Random } from '@spillway/kernel';

/** How often an instance says that it lives, and how long it may be silent before it is counted out. */
export const BEAT_MS = 1_000;
export const SILENT_MS = 5_000;

/** The longest between two beats of an instance: who has heard the store for so long has counted everybody. */
const FULL_MS = 1.25 * BEAT_MS;

export interface PresenceOptions {
  /** This instance's name: one per process, e.g. host and pid. Two with one name count as one. */
  readonly instance: string;
  /** At least so many instances there are, until the store has answered for as long as others take to beat. Default: 1. */
  readonly expected?: number;
  /** For the jitter between beats. Default: `Math.random`. */
  readonly random?: Random;
}

/** A presence that can be asked to count anew at once. */
export interface BeatingPresence extends Presence {
  /** Counts anew, after whatever is under way. Resolves when the store has answered, or has not. */
  refresh(): Promise<void>;
}

/**
 * Counts the living by a beat into a shared store, on the store's clock. While the store is away the last count stands: it is
 * what the limits are shared by (G3). Of a store that has just come, or come back, the others may not have been heard yet: until
 * they had the time to, the count does not fall.
 */
export function keepBeating(
  options: PresenceOptions,
  store: {
    beat(): Promise<number>;
    leave(): Promise<unknown>;
    /** Calls `beat` when the store has come back; returns how to stop. */
    onBack?(beat: () => void): () => void;
  },
): BeatingPresence {
  const random = options.random ?? Math.random;
  let instances = Math.max(1, options.expected ?? 1);
  let floor = instances;
  let heardSinceMs: number | undefined;
  let closed = false;
  let timer: NodeJS.Timeout | undefined;
  let beating: Promise<void> = Promise.resolve();
  let waiting: Promise<void> | undefined;
  const doubt = () => {
    floor = instances;
    heardSinceMs = undefined;
  };
  const beat = async () => {
    clearTimeout(timer);
    const sentMs = performance.now();
    try {
      const counted = await store.beat();
      heardSinceMs ??= performance.now();
      if (sentMs - heardSinceMs >= FULL_MS) floor = 1;
      instances = Math.max(floor, counted);
    } catch {
      // The store is away: its link says so. The last count stands.
      doubt();
    }
    clearTimeout(timer);
    if (!closed) timer = setTimeout(refresh, delayMs());
  };
  const delayMs = () => {
    const usualMs = BEAT_MS * (0.75 + random() / 2);
    if (floor === 1 || heardSinceMs === undefined) return usualMs;
    const leftMs = heardSinceMs + FULL_MS - performance.now();
    return leftMs <= 0 ? usualMs : Math.min(usualMs, Math.ceil(leftMs));
  };
  const refresh = (): Promise<void> => {
    // One under way may have counted before whatever this one is asked for: one more, for all who ask meanwhile.
    waiting ??= beating.then(() => {
      waiting = undefined;
      if (closed) return;
      beating = beat();
      return beating;
    });
    return waiting;
  };
  beating = beat();
  const stop = store.onBack?.(() => {
    doubt();
    void refresh();
  });
  return {
    get instances() {
      return instances;
    },
    refresh,
    close: async () => {
      if (closed) return;
      closed = true;
      stop?.();
      clearTimeout(timer);
      await beating;
      await waiting;
      try {
        await store.leave();
      } catch {
        // Who can not say good-bye is counted out by its silence.
      }
    },
  };
}
