import { describe, expect, test } from 'vitest';
import { concurrency } from './concurrency/policy.ts';
import { fixedWindow } from './fixed-window/policy.ts';
import { gcra } from './gcra/policy.ts';
import type { Policy } from './policy.ts';
import { quota } from './quota/policy.ts';
import { slidingLog } from './sliding-log/policy.ts';
import { slidingWindow } from './sliding-window/policy.ts';
import { type AnyState, strategyOf } from './strategy-of.ts';

const NOW = 1_763_000_040_000_000;

const policies: readonly Policy[] = [
  gcra({ name: 'gcra', limit: 3, every: '1h' }),
  fixedWindow({ name: 'fixed', limit: 3, window: '1h' }),
  slidingWindow({ name: 'sliding', limit: 3, window: '1h' }),
  slidingLog({ name: 'log', limit: 3, window: '1h' }),
  quota({ name: 'quota', limit: 3, per: 'month' }),
  concurrency({ name: 'slots', limit: 3, lease: '1h' }),
];

describe('the strategy of a policy', () => {
  test('steps policies of mixed strategies alike, their states passed through JSON', () => {
    for (const policy of policies) {
      const strategy = strategyOf(policy);
      let state: AnyState | undefined;
      const outcomes = ['a', 'b', 'c', 'd'].map((id) => {
        const step = strategy.take(policy, state, NOW, 1, id);
        state = step.state === undefined ? undefined : (JSON.parse(JSON.stringify(step.state)) as AnyState);
        return step.verdict.outcome;
      });
      expect(outcomes, policy.name).toEqual(['allowed', 'allowed', 'allowed', 'denied']);
      state = strategy.refund(policy, state, NOW, 1, { id: 'c' });
      expect(strategy.peek(policy, state, NOW, 1), policy.name).toMatchObject({ outcome: 'allowed', remaining: 1 });
    }
  });
});
