import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryDirectory, until } from '@spillway/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { openPlanFile } from './plan-file.ts';

const plansOf = (capacity: number) => ({
  default: 'free',
  plans: {
    free: { policies: [{ strategy: 'token-bucket', name: 'free', capacity, refill: { tokens: 1, every: '1m' } }] },
  },
});

test('a change of the file is in force soon, a mistake in it is told once and changes nothing', async () => {
  const directory = temporaryDirectory({ name: 'plans' });
  onTestFinished(() => directory.close());
  const path = join(directory.path, 'plans.json');
  const write = async (text: string) => {
    await writeFile(`${path}.new`, text);
    await rename(`${path}.new`, path);
  };
  await write(JSON.stringify(plansOf(10)));
  const errors: string[] = [];
  const file = await openPlanFile(path, { every: '5ms', onError: ({ message }) => errors.push(message) });
  onTestFinished(() => file.close());
  const capacity = () => file.planOf('ada').policies[0]?.capacity;
  expect(capacity()).toBe(10);
  expect(file.error).toBeUndefined();
  await write(JSON.stringify(plansOf(20)));
  await until(() => capacity() === 20);
  await write('{ "default": ');
  await until(() => errors.length === 1);
  await write(JSON.stringify(plansOf(0)));
  await until(() => errors.length === 2);
  expect(errors[0]).toContain(`The plans in "${path}" are no JSON`);
  expect(errors[1]).toContain('must be an integer from 1 to 1000000000000, got 0');
  expect(capacity()).toBe(20);
  expect(file.error?.message).toBe(errors[1]);
  await write(JSON.stringify(plansOf(30)));
  await until(() => capacity() === 30);
  expect(errors).toHaveLength(2);
  expect(file.error).toBeUndefined();
});

test('a file that is not there, or wrong from the beginning, is refused with its path', async () => {
  await expect(openPlanFile('/nowhere/plans.json')).rejects.toThrow(
    'The plans in "/nowhere/plans.json" can not be read',
  );
});

test('a plan that can not be counted by is wrong, in the plan of a key too', async () => {
  const directory = temporaryDirectory({ name: 'plans' });
  onTestFinished(() => directory.close());
  const path = join(directory.path, 'plans.json');
  const log = (name: string) => ({ strategy: 'sliding-log', name, limit: 5, window: '1m' });
  const plans = plansOf(10);
  const strategies = new Set(['token-bucket'] as const);
  await writeFile(path, JSON.stringify({ ...plans, keys: { ada: { plan: 'free', policies: [log('free')] } } }));
  await expect(openPlanFile(path, { strategies })).rejects.toThrow(
    `The plans in "${path}" are wrong:\n  keys["ada"].policies[0].strategy: must be one of "token-bucket" here, got "sliding-log"`,
  );
  const shadow = { ...plans, plans: { free: { ...plans.plans.free, shadow: [log('tried')] } } };
  await writeFile(path, JSON.stringify(shadow));
  await expect(openPlanFile(path, { strategies })).rejects.toThrow(
    'plans["free"].shadow[0].strategy: must be one of "token-bucket" here, got "sliding-log"',
  );
  const file = await openPlanFile(path);
  file.close();
  const leased = { ...plans, plans: { free: { ...plans.plans.free, mode: 'lease' } } };
  await writeFile(path, JSON.stringify(leased));
  await expect(openPlanFile(path, { strategies, modes: new Set(['exact'] as const) })).rejects.toThrow(
    'plans["free"].mode: must be "exact" with this store, got "lease"',
  );
  expect(file.plans.defaultPlan.shadow).toHaveLength(1);
});
