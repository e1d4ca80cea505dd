import { parsePlans } from '@spillway/limit';
import { expect, test } from 'vitest';
import type { PlansInForce } from './plan-source.ts';
import { planOfKey } from './planned-key.ts';

const hourly = (name: string, limit: number) => ({ strategy: 'fixed-window', name, limit, window: '1h' });
const sourceOf = (forEveryKey: boolean): PlansInForce => ({
  plans: parsePlans({
    default: 'small',
    plans: {
      small: { policies: [hourly('calls', 5)] },
      large: { policies: [hourly('calls', 50), hourly('rows', 500)] },
    },
    keys: { key_known: 'large' },
  }),
  forEveryKey,
});
const capacities = (plan: ReturnType<typeof planOfKey>) => plan?.policies.map(({ capacity }) => capacity);

test('a key has the plan it was given, else that of its id in the file, else the default one', () => {
  const source = sourceOf(true);
  expect(planOfKey(source, { id: 'key_known', plan: 'small' })?.name).toBe('small');
  expect(planOfKey(source, { id: 'key_known' })?.name).toBe('large');
  expect(planOfKey(source, { id: 'key_other' })?.name).toBe('small');
});

test('without a file a key that was given no plan has none', () => {
  expect(planOfKey(sourceOf(false), { id: 'key_other' })).toBeUndefined();
});

test('a key whose plan is gone has the default one, not none', () => {
  expect(planOfKey(sourceOf(false), { id: 'key_other', plan: 'gone' })?.name).toBe('small');
});

test('limits of a key stand in place of those of the same name; what fits no more is passed over', () => {
  const limits = JSON.stringify([
    hourly('rows', 9),
    hourly('gone', 1),
    { strategy: 'of a later version', name: 'calls' },
  ]);
  expect(capacities(planOfKey(sourceOf(true), { id: 'key_other', plan: 'large', limits }))).toEqual([50, 9]);
});
