import { toMs } from '@spillway/kernel';
import type { GetOptions } from '../cache.ts';
import type { ParsedOptions } from '../options.ts';

/** How long a value may be used: fresh, and then stale. */
export interface Life {
  readonly freshMs: number;
  /** From now, fresh or stale. */
  readonly usableMs: number;
}

export interface ShelfLife {
  /** The lives that a call's options ask for; a mistake in them is told before anything is loaded. */
  parse(options: Pick<GetOptions, 'ttl' | 'negativeTtl'> | undefined): (value: unknown) => Life;
  /** The life of something that is fresh for so long (or not any more: below 0). */
  remaining(freshForMs: number, negative: boolean): Life;
  /** How long an L1 entry may be fresh from the beginning of its read. */
  l1Ms(): number;
}

export function createShelfLife(
  options: Pick<ParsedOptions<unknown>, 'ttlMs' | 'negativeTtlMs' | 'staleIfErrorMs' | 'jitter' | 'random' | 'l1'>,
): ShelfLife {
  const { ttlMs, negativeTtlMs, staleIfErrorMs, jitter, random } = options;
  // Only ever shorter: a stated time is a promise. What is not 0 stays at least 1.
  const jittered = (ms: number): number => (ms === 0 ? 0 : Math.max(1, Math.round(ms * (1 - jitter * random()))));
  // Past its time a negative entry is nothing: it would be a false "not found".
  const remaining = (freshForMs: number, negative: boolean): Life => ({
    freshMs: freshForMs,
    usableMs: negative ? freshForMs : freshForMs + staleIfErrorMs,
  });
  const lives = (positiveMs: (value: unknown) => number, negativeMs: number) => (value: unknown) =>
    remaining(jittered(value === undefined ? negativeMs : positiveMs(value)), value === undefined);
  const positive = (ttl: GetOptions['ttl']): ((value: unknown) => number) => {
    if (typeof ttl === 'function') return (value) => toMs(ttl(value as never));
    const ms = ttl === undefined ? ttlMs : toMs(ttl);
    return () => ms;
  };
  const usual = lives(() => ttlMs, negativeTtlMs);
  return {
    parse(given) {
      if (given?.ttl === undefined && given?.negativeTtl === undefined) return usual;
      return lives(positive(given.ttl), given.negativeTtl === undefined ? negativeTtlMs : toMs(given.negativeTtl));
    },
    remaining,
    l1Ms: () => jittered(options.l1?.ttlMs ?? 0),
  };
}
