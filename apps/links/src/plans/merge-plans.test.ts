import { type Plan, parsePlans } from '@spillway/limit';
import { expect, test } from 'vitest';
import { mergePlans } from './merge-plans.ts';
import type { StoredPlanSet } from './stored-plans.ts';

const hourly = (name: string, limit: number) => ({ strategy: 'fixed-window', name, limit, window: '1h' });
const base = parsePlans({
  default: 'small',
  plans: {
    small: { policies: [hourly('calls', 5)] },
    large: { policies: [hourly('calls', 50), hourly('rows', 500)] },
  },
  keys: {
    whole: 'large',
    own: { plan: 'large', policies: [hourly('rows', 9)] },
    small: { plan: 'small', policies: [hourly('calls', 6)] },
  },
});
const stored = (name: string, policies: readonly object[], isDefault = false): StoredPlanSet => {
  const plan = parsePlans({ default: name, plans: { [name]: { policies } } }).defaultPlan;
  const row = { name, definition: '', isDefault, updatedAtMs: 0 };
  return {
    byName: new Map([[name, { plan, row }]]),
    defaultPlan: isDefault ? plan : undefined,
    wrong: new Map(),
  };
};
const limits = (plan: Plan | undefined) => plan?.policies.map(({ name, capacity }) => `${name} ${capacity}`);

test('what the database names is its, for keys that the file names too; their own policies stay', () => {
  const { byName, byKey, defaultPlan } = mergePlans(base, stored('large', [hourly('calls', 70), hourly('rows', 700)]));
  expect(limits(byName.get('large'))).toEqual(['calls 70', 'rows 700']);
  expect(byKey.get('whole')).toBe(byName.get('large'));
  expect(limits(byKey.get('own'))).toEqual(['calls 70', 'rows 9']);
  expect(byKey.get('small')).toBe(base.byKey.get('small'));
  expect(defaultPlan).toBe(base.defaultPlan);
});

test('a policy of a key that the plan has no more is passed over', () => {
  expect(limits(mergePlans(base, stored('large', [hourly('calls', 70)])).byKey.get('own'))).toEqual(['calls 70']);
});

test('the default plan is the one that the database says, else that of the file, as it is now', () => {
  expect(limits(mergePlans(base, stored('small', [hourly('calls', 8)])).defaultPlan)).toEqual(['calls 8']);
  expect(mergePlans(base, stored('other', [hourly('calls', 8)], true)).defaultPlan.name).toBe('other');
  const nothing = { byName: new Map(), defaultPlan: undefined, wrong: new Map() };
  expect(mergePlans(base, nothing)).toBe(base);
});
