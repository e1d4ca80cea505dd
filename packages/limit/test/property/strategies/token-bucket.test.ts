import { describe } from 'vitest';
import { tokenBucketStrategy } from '../../../src/strategies/token-bucket/step.ts';
import { policies } from '../arbitraries.ts';
import { strategyProperties } from './strategy-properties.ts';
import { rateBound, scenarios } from './walk.ts';

const spansOf = ({ rate }: { rate: { tokenUs: number; fullUs: number } }) => [rate.tokenUs, rate.fullUs];

describe('the token bucket', () => {
  strategyProperties({
    strategy: tokenBucketStrategy,
    forward: scenarios(policies, spansOf),
    backwards: scenarios(policies, spansOf, { clock: 'backwards' }),
    bound: ({ capacity, rate }) => rateBound(capacity, rate),
  });
});
