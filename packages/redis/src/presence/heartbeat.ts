import type { Presence, Random } from '@spillway/kernel';

/** How often an instance says that it lives, and how long it may be silent before it is counted out. */
export const BEAT_MS = 1_000;
export const SILENT_MS = 5_000;

export interface PresenceOptions {
  /** This instance's name: one per process, e.g. host and pid. Two with one name count as one. */
  readonly instance: string;
  /** How many instances there are, until the store has answered for the first time. Default: 1. */
  readonly expected?: number;
  /** For the jitter between beats. Default: `Math.random`. */
  readonly random?: Random;
}

/**
 * Counts the living by a beat into a shared store, on the store's clock. While the store is away the last count stands: it is
 * what the limits are shared by (G3).
 */
export function keepBeating(
  options: PresenceOptions,
  store: {
    beat(): Promise<number>;
    leave(): Promise<unknown>;
    /** Calls `beat` when the store has come back; returns how to stop. */
    onBack?(beat: () => void): () => void;
  },
): Presence {
  const random = options.random ?? Math.random;
  let instances = Math.max(1, options.expected ?? 1);
  let closed = false;
  let timer: NodeJS.Timeout | undefined;
  let beating: Promise<void> = Promise.resolve();
  const beat = async () => {
    clearTimeout(timer);
    try {
      instances = Math.max(1, await store.beat());
    } catch {
      // The store is away: its link says so. The last count stands.
    }
    clearTimeout(timer);
    if (!closed) timer = setTimeout(next, BEAT_MS * (0.75 + random() / 2));
  };
  const next = () => {
    beating = beat();
  };
  next();
  const stop = store.onBack?.(next);
  return {
    get instances() {
      return instances;
    },
    close: async () => {
      if (closed) return;
      closed = true;
      stop?.();
      clearTimeout(timer);
      await beating;
      try {
        await store.leave();
      } catch {
        // Who can not say good-bye is counted out by its silence.
      }
    },
  };
}
