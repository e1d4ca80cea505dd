import { setImmediate } from 'node:timers/promises';
import { type Bus, StoreUnavailableError } from '@spillway/kernel';
import { expect, onTestFinished, test } from 'vitest';
import type { PlanRow } from './plan-store.ts';
import { openStoredPlans } from './stored-plans.ts';

const rowOf = (limit: number): PlanRow => ({
  name: 'team',
  definition: JSON.stringify({ policies: [{ strategy: 'fixed-window', name: 'calls', limit, window: '1h' }] }),
  isDefault: false,
  updatedAtMs: limit,
});

/** A table whose answers can be held back: each is of the moment at which it was asked. */
async function followed() {
  let limit = 1;
  let held: Promise<void> | undefined;
  let asked = 0;
  const errors: unknown[] = [];
  const hear: (() => void)[] = [];
  const bus = {
    publish: () => undefined,
    subscribe: (_: string, receive: () => void) => {
      hear.push(receive);
      return () => undefined;
    },
    onGap: () => () => undefined,
  } as unknown as Bus;
  const store = {
    async list() {
      asked += 1;
      const rows = [rowOf(limit)];
      await held;
      if (limit < 0) throw new StoreUnavailableError('plans');
      return rows;
    },
  };
  const log = { error: (...line: unknown[]) => void errors.push(line) } as never;
  const stored = await openStoredPlans({ store, bus, able: {}, log, everyMs: 3_600_000 });
  onTestFinished(() => stored.close());
  return {
    stored,
    hear: () => hear.forEach((each) => void each()),
    set(next: number) {
      limit = next;
    },
    hold(until: Promise<void>) {
      held = until;
    },
    asked: () => asked,
    errors,
    limit: () => stored.now.byName.get('team')?.plan.policies[0]?.capacity,
  };
}

test('a change is read after whatever was being read before it', async () => {
  const table = await followed();
  const { promise, resolve } = Promise.withResolvers<void>();
  table.hold(promise);
  table.hear();
  await expect.poll(table.asked).toBe(2);
  table.hold(Promise.resolve());
  table.set(2);
  const changed = table.stored.changed();
  await setImmediate();
  resolve();
  await changed;
  await setImmediate();
  expect(table.limit()).toBe(2);
});

test('many messages at once are one reading, and what did not change is the same object', async () => {
  const table = await followed();
  const { now } = table.stored;
  for (let message = 0; message < 50; message += 1) table.hear();
  await table.stored.changed();
  expect(table.asked()).toBeLessThanOrEqual(3);
  expect(table.stored.now).toBe(now);
});

test('while the table can not be read plans stay as they were, and whoever changed one hears of it', async () => {
  const table = await followed();
  table.set(-1);
  await expect(table.stored.changed()).rejects.toThrow(StoreUnavailableError);
  expect(table.limit()).toBe(1);
  table.set(3);
  await table.stored.changed();
  expect(table.limit()).toBe(3);
});

test('a row that is wrong now leaves the last right one in force, and is told once', async () => {
  const table = await followed();
  table.set(0);
  await table.stored.changed();
  await table.stored.changed();
  expect(table.limit()).toBe(1);
  expect([...table.stored.now.wrong.keys()]).toEqual(['team']);
  expect(table.errors).toHaveLength(1);
});
