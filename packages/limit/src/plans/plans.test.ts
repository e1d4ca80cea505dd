import { ConfigurationError } from '@spillway/kernel';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createPlanBook } from './plan-book.ts';
import { compositeKey } from './plan-limiter.ts';
import { parsePlans, shippedPlans } from './plans.ts';

const bucket = (name: string, capacity: number) => ({
  strategy: 'token-bucket',
  name,
  capacity,
  refill: { tokens: capacity, every: '1m' },
});
const good = {
  default: 'free',
  plans: {
    free: { policies: [bucket('free', 10)] },
    premium: { policies: [bucket('premium', 50)], shadow: [{ ...bucket('hourly', 500) }] },
  },
  keys: { acme: 'premium', ada: { plan: 'free', policies: [bucket('free', 20)] } },
};

function issuesOf(input: unknown): readonly string[] {
  try {
    parsePlans(input);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.issues.map(({ path, message }) => `${path}: ${message}`);
    throw error;
  }
  return [];
}

describe('plans', () => {
  test('as shipped: free with 10 a minute for everybody, premium with 50', () => {
    const { byName, defaultPlan, byKey } = shippedPlans();
    expect([...byName].map(([name, { policies }]) => [name, policies.map(({ capacity }) => capacity)])).toEqual([
      ['free', [10]],
      ['premium', [50]],
    ]);
    expect(defaultPlan.name).toBe('free');
    expect(byKey.size).toBe(0);
  });

  test('from data: the plan of a key, its own policies in place of those of the same name, the default for all others', () => {
    const book = createPlanBook(parsePlans(JSON.parse(JSON.stringify(good))));
    const capacities = (key: string) => book.planOf(key).policies.map(({ name, capacity }) => [name, capacity]);
    expect(capacities('acme')).toEqual([['premium', 50]]);
    expect(capacities('ada')).toEqual([['free', 20]]);
    expect(capacities('toString')).toEqual([['free', 10]]);
    expect(book.planOf('acme').shadow.map(({ name }) => name)).toEqual(['hourly']);
  });

  test('everything that is wrong is named at once, with its place, the value and the remedy', () => {
    const wrong = {
      default: 'gold',
      plans: {
        'a b': { policies: [] },
        free: { policies: [bucket('free', 0), bucket('x', 1)], shadow: [bucket('x', 2)], limits: 3 },
      },
      keys: { acme: 'platinum', ada: { plan: 'free', policies: [bucket('other', 1)] }, bob: 7 },
      extra: true,
    };
    expect(issuesOf(wrong)).toEqual([
      'extra: is not known here; there are "default", "plans", "keys"',
      'plans["a b"]: needs a name of 1 to 64 letters, digits, ".", "_" or "-", the first a letter or digit',
      'plans["a b"].policies: must hold at least one policy, got none',
      'plans["free"].limits: is not known here; there are "policies", "shadow", "mode"',
      'plans["free"].policies[0].capacity: must be an integer from 1 to 1000000000000, got 0',
      'plans["free"].policies[0].refill.tokens: must be an integer from 1 to 1000000000000, got 0',
      'plans["free"]: has two policies "x"; a name stands once, shadow policies included',
      'default: must be one of the plans "a b", "free", got "gold"',
      'keys["acme"]: must be one of the plans "a b", "free", got "platinum"',
      'keys["ada"].policies: "other" is no policy of plan "free"; name one that is, or change the plan',
      'keys["bob"]: must be the name of a plan, or an object with "plan" and "policies", got 7',
    ]);
    for (const input of [undefined, null, 7, 'free', [], {}]) expect(issuesOf(input).length).toBeGreaterThan(0);
  });
});

test('a plan may be leased, and names each policy that can not be, the own ones of a key too', () => {
  const log = (name: string) => ({ strategy: 'sliding-log', name, limit: 5, window: '1m' });
  const { free, premium } = good.plans;
  const leased = { ...premium, mode: 'lease' };
  expect(parsePlans({ ...good, plans: { free, premium: leased } }).byKey.get('acme')?.mode).toBe('lease');
  const plans = {
    free: { ...free, mode: 'lease' },
    premium: { ...leased, policies: [log('premium')], shadow: [log('hourly')] },
    other: { ...free, mode: 'share' },
  };
  const keys = { ada: { plan: 'free', policies: [log('free')] } };
  const why = expect.stringContaining('use mode "exact", or "sliding-window"');
  expect(issuesOf({ default: 'free', plans, keys }).map((each) => each.split(': a log')[0])).toEqual([
    'plans["premium"].policies: "premium" can not be leased, as its plan\'s mode "lease" asks for',
    'plans["premium"].shadow: "hourly" can not be leased, as its plan\'s mode "lease" asks for',
    'plans["other"].mode: must be "exact" or "lease", got "share"',
    'keys["ada"].policies: "free" can not be leased, as its plan\'s mode "lease" asks for',
  ]);
  expect(issuesOf({ default: 'free', plans, keys })[0]).toEqual(why);
});

test('an application that knows the plans of its keys is asked, and its mistakes mean the default plan', () => {
  const book = createPlanBook(shippedPlans(), { planOf: (key) => (key === 'ada' ? 'premium' : 'gold') });
  expect(book.planOf('ada').name).toBe('premium');
  expect(book.planOf('grace').name).toBe('free');
});

test('G8: no two lists of parts have one composite key', () => {
  const parts = fc.array(fc.string({ unit: fc.constantFrom('a', ':', '1', '2', '\u0000', '') }), { maxLength: 4 });
  fc.assert(
    fc.property(parts, parts, (a, b) => {
      const same = a.length === b.length && a.every((part, at) => part === b[at]);
      expect(compositeKey(...a) === compositeKey(...b)).toBe(same);
    }),
  );
});
