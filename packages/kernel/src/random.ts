/** Random numbers in [0, 1), like `Math.random`. A port, so that jitter and tests can be replayed from a seed. */
export type Random = () => number;

/**
 * A replayable generator: the same seed gives the same numbers. 32 bits of state: for tests and jitter, never for secrets.
 * Source: Mulberry32, Tommy Ettinger, public domain.
 */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
