import { type Duration, type Random, seededRandom } from '@spillway/kernel';
import { type TokenBucketPolicy, tokenBucket } from '@spillway/limit';
import fc from 'fast-check';

/** Seeded by SPILLWAY_SEED, else anew on each run; fast-check prints the seed of a failure. */
export const runs = (numRuns: number): { numRuns: number; seed?: number } => {
  const seed = Number(process.env.SPILLWAY_SEED);
  return Number.isInteger(seed) && process.env.SPILLWAY_SEED ? { numRuns, seed } : { numRuns };
};

/** Of any integer: as many different policies, takes and so on as there are seeds. */
export const randomOf = (seed: number): Random => seededRandom(seed >>> 0);

const everies: readonly Duration[] = [
  '1ms',
  '7ms',
  '100ms',
  '1s',
  '1.001s',
  '13s',
  '1m',
  '1h',
  '1d',
  '25d',
  '30d',
  '365d',
];

/** Rates from a token a year to millions a second, most of them no whole number of microseconds per token. */
export const policies: fc.Arbitrary<TokenBucketPolicy> = fc
  .record({
    capacity: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 100_000 })),
    tokens: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 99_991 })),
    every: fc.constantFrom(...everies),
  })
  .filter(({ capacity, tokens, every }) => isCountable(capacity, tokens, every))
  .map(({ capacity, tokens, every }) => tokenBucket({ name: 'p', capacity, refill: { tokens, every } }));

/** Takes in order: microseconds since the one before, and a cost. Gaps around whole tokens are the likely ones. */
export const takes = (policy: TokenBucketPolicy): fc.Arbitrary<readonly { afterUs: number; cost: number }[]> => {
  const { tokenUs, fullUs } = policy.rate;
  return fc.array(
    fc.record({
      afterUs: fc.oneof(
        fc.constant(0),
        fc.integer({ min: 0, max: Math.max(1, tokenUs * 3) }),
        fc.integer({ min: -2, max: 2 }).map((off) => Math.max(0, tokenUs + off)),
        fc.integer({ min: -2, max: 2 }).map((off) => Math.max(0, fullUs + off)),
      ),
      cost: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: policy.capacity + 2 })),
    }),
    { minLength: 1, maxLength: 60 },
  );
};

function isCountable(capacity: number, tokens: number, every: Duration): boolean {
  try {
    tokenBucket({ name: 'p', capacity, refill: { tokens, every } });
    return true;
  } catch {
    return false;
  }
}
