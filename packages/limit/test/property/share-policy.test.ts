import { type Policy, sharePolicy, strategyOf } from '@spillway/limit';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ALL_STRATEGIES, randomPolicy } from '../../src/testing/walked-policies.ts';
import { randomOf, runs } from './arbitraries.ts';
import { START_US } from './strategies/walk.ts';

const policies: fc.Arbitrary<Policy> = fc
  .tuple(fc.constantFrom(...ALL_STRATEGIES), fc.integer())
  .map(([strategy, seed]) => randomPolicy(strategy, 'p', randomOf(seed)));
const instances = fc.integer({ min: 1, max: 60 });

/** What a policy gives who takes all that there is, again and again for a while. */
function admittedOf(policy: Policy, momentsUs: readonly number[]): number {
  const steps = strategyOf(policy);
  let state: ReturnType<typeof steps.take>['state'];
  let sum = 0;
  for (const [at, us] of momentsUs.entries()) {
    const { remaining } = steps.peek(policy as never, state as never, us, 1);
    if (remaining === 0) continue;
    const step = steps.take(policy as never, state as never, us, remaining, `take-${at}`);
    expect(step.verdict.outcome).toBe('allowed');
    state = step.state;
    sum += remaining;
  }
  return sum;
}

describe('G3: a share of a policy of any strategy', () => {
  test('gives all instances together never more than the policy, once it has a unit for each', () => {
    const gaps = fc.array(fc.integer({ min: 0, max: 4e8 }), { maxLength: 8 });
    fc.assert(
      fc.property(policies, instances, gaps, (policy, n, gapsUs) => {
        fc.pre(policy.capacity >= n);
        const share = sharePolicy(policy, n);
        expect(share.capacity).toBeGreaterThanOrEqual(1);
        expect(share.capacity * n).toBeLessThanOrEqual(policy.capacity);
        let nowUs = START_US;
        const moments = gapsUs.map((us) => (nowUs += us));
        expect(admittedOf(share, moments) * n).toBeLessThanOrEqual(admittedOf(policy, moments));
      }),
      runs(500),
    );
  });

  test('is of the same strategy and name, can always count one, and is the policy itself for one instance', () => {
    fc.assert(
      fc.property(policies, fc.integer({ min: -2, max: 5000 }), (policy, n) => {
        const share = sharePolicy(policy, n);
        expect(share).toMatchObject({ strategy: policy.strategy, name: policy.name });
        expect(admittedOf(share, [START_US])).toBe(share.capacity);
        if (n <= 1) expect(share).toBe(policy);
      }),
      runs(300),
    );
  });

  test('keeps what a state means when instances come and go: who had taken all has nothing, unless shares have grown', () => {
    fc.assert(
      fc.property(policies, instances, instances, (policy, before, after) => {
        const steps = strategyOf(policy);
        const [first, then] = [sharePolicy(policy, before), sharePolicy(policy, after)];
        const { state } = steps.take(first as never, undefined, START_US, first.capacity, 'all');
        const { remaining } = steps.peek(then as never, state as never, START_US, 1);
        // A count stays what it is; a bucket keeps its level, up to what rounding a share down to whole units makes of it.
        const isBucket = policy.strategy === 'token-bucket' || policy.strategy === 'gcra';
        if (!isBucket) expect(remaining).toBe(Math.max(0, then.capacity - first.capacity));
        else if (policy.capacity % before === 0) expect(remaining).toBe(0);
      }),
      runs(500),
    );
  });
});
