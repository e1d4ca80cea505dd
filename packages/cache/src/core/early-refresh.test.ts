import { seededRandom } from '@spillway/kernel';
import { describe, expect, test } from 'vitest';
import { createEarlyRefresh, type EarlyRefresh } from './early-refresh.ts';

const create = (beta: number, random: () => number): EarlyRefresh => {
  const early = createEarlyRefresh(beta, random);
  if (early === undefined) throw new Error('it is off');
  return early;
};

describe('early refresh', () => {
  test('a beta of 0 is off', () => expect(createEarlyRefresh(0, Math.random)).toBeUndefined());

  test.each([0.5, 1, 2])('as in the paper, a read is drawn with exp(-left / (beta x load)), for beta %s', (beta) => {
    const early = create(beta, seededRandom(7));
    const loadUs = 40_000;
    const draws = 20_000;
    for (const leftUs of [0, 10_000, 40_000, 100_000]) {
      let due = 0;
      for (let i = 0; i < draws; i += 1) if (early.isDue(leftUs, early.zoneUs(loadUs))) due += 1;
      const expected = Math.exp(-leftUs / (beta * loadUs));
      // Five standard deviations of a share of 20,000 draws are at most 5 x sqrt(0.25 / 20,000) = 0.018.
      expect(Math.abs(due / draws - expected)).toBeLessThan(0.018);
    }
  });

  test('outside the zone hardly any read would have been drawn', () => {
    const early = create(1, () => 1 - Number.EPSILON);
    expect(early.isDue(early.zoneUs(1_000) * 4, early.zoneUs(1_000))).toBe(false);
    expect(Math.exp(-early.zoneUs(1_000) / 1_000)).toBeLessThan(1 / 20_000);
  });

  test('a load that is not known took as long as the last ones here did on average; none, and nothing is early', () => {
    const early = create(1, () => 0.999);
    expect(early.zoneUs(undefined)).toBe(0);
    early.took(8_000);
    expect(early.zoneUs(undefined)).toBe(early.zoneUs(8_000));
    for (let i = 0; i < 200; i += 1) early.took(2_000);
    expect(early.zoneUs(undefined)).toBeCloseTo(early.zoneUs(2_000), -1);
  });
});
