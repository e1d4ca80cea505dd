import { seededRandom } from '@spillway/kernel';
import { describe, expect, test } from 'vitest';
import { createSampler } from './sampler.ts';

const SEED = 7;

/** How often a hundred thousand asks are picked, all of them or each `every`-th alone. */
function picks(sampler: ReturnType<typeof createSampler>, asks: number, mine: (ask: number) => boolean): number {
  let picked = 0;
  for (let ask = 0; ask < asks; ask += 1) if (sampler.due() && mine(ask)) picked += 1;
  return picked;
}

describe(`sampling (seed ${SEED})`, () => {
  test('one in one is every request', () => {
    expect(picks(createSampler(1, seededRandom(SEED)), 1_000, () => true)).toBe(1_000);
    expect(createSampler(1).weight).toBe(1);
  });

  test.each([2, 10, 100])('the weights of one in %i add up to what was asked', (every) => {
    const asks = 200_000;
    const sampler = createSampler(every, seededRandom(SEED));
    const estimate = picks(sampler, asks, () => true) * sampler.weight;
    // Five standard deviations of a binomial distribution, weighed.
    const bound = 5 * sampler.weight * Math.sqrt((asks / every) * (1 - 1 / every));
    expect(Math.abs(estimate - asks)).toBeLessThan(bound);
  });

  test('a client in step with the sample is picked as often as any other', () => {
    const [asks, every] = [1_000_000, 100];
    for (const phase of [0, 1, 50, 99]) {
      const sampler = createSampler(every, seededRandom(SEED + phase));
      const picked = picks(sampler, asks, (ask) => ask % every === phase);
      expect(Math.abs(picked - asks / every / every)).toBeLessThan(5 * Math.sqrt(asks / every / every));
    }
  });

  test('whatever the random number is, the next pick comes', () => {
    for (const least of [0, 1 - Number.EPSILON]) {
      const sampler = createSampler(100, () => least);
      expect(picks(sampler, 10_000, () => true)).toBeGreaterThan(1);
    }
  });
});
