import { expect, test } from 'vitest';
import { fixedWindow } from '../strategies/fixed-window/policy.ts';
import { quota } from '../strategies/quota/policy.ts';
import { memoryLimitStore } from './memory-store.ts';

const DAY = 86_400e6;
const NOON = Date.UTC(2026, 0, 15, 12) * 1000;

/** A steady clock, and one on the wall that can be set. */
function clocks() {
  let steadyUs = NOON;
  let setUs = 0;
  return {
    clock: { nowUs: () => steadyUs },
    wallClock: { nowUs: () => steadyUs + setUs },
    advance: (us: number) => (steadyUs += us),
    set: (us: number) => (setUs += us),
  };
}

const daily = quota({ name: 'daily', limit: 3, per: 'day' });
const hourly = fixedWindow({ name: 'hourly', limit: 3, window: '1h' });

test('a wall clock that is set forward is followed at once', () => {
  const { clock, wallClock, set } = clocks();
  const store = memoryLimitStore({ clock, wallClock });
  const take = () => store.takeNow('ada', [daily], 3).verdicts[0]?.outcome;
  expect([take(), take()]).toEqual(['allowed', 'denied']);
  set(DAY / 2);
  expect([take(), take()]).toEqual(['allowed', 'denied']);
});

test.each([
  [daily, DAY],
  [hourly, DAY / 24],
] as const)('G2: a wall clock that is set back never admits a window twice: %#', (policy, windowUs) => {
  const { clock, wallClock, set, advance } = clocks();
  // Room for one key: the states of others are dropped as soon as they may be.
  const store = memoryLimitStore({ clock, wallClock, maxKeys: 1 });
  const take = (key: string) => store.takeNow(key, [policy], 3).verdicts[0]?.outcome;
  expect(take('ada')).toBe('allowed');
  set(windowUs);
  expect(take('grace')).toBe('allowed');
  // What ada took in the window before is forgotten by now. It is not shown again: this is still the later one.
  set(-windowUs);
  expect([take('grace'), take('ada'), take('ada')]).toEqual(['denied', 'allowed', 'denied']);
  advance(windowUs - 1);
  expect([take('grace'), take('ada')]).toEqual(['denied', 'denied']);
  advance(2);
  expect([take('grace'), take('ada')]).toEqual(['denied', 'denied']);
  advance(windowUs);
  expect([take('grace'), take('ada')]).toEqual(['allowed', 'allowed']);
});

test('a wall clock that had been years ahead is followed again after a window', () => {
  const { clock, wallClock, set, advance } = clocks();
  const store = memoryLimitStore({ clock, wallClock });
  const take = (key: string) => store.takeNow(key, [hourly], 3).verdicts[0]?.outcome;
  set(3000 * DAY);
  take('ada');
  set(-3000 * DAY);
  expect(take('ada')).toBe('denied');
  advance(DAY / 24);
  expect([take('grace'), take('grace')]).toEqual(['allowed', 'denied']);
  advance(DAY / 24);
  expect(take('grace')).toBe('allowed');
});

test('a wall clock that is set leaves all else alone', () => {
  const { clock, wallClock, set } = clocks();
  const store = memoryLimitStore({ clock, wallClock });
  const first = fixedWindow({ name: 'first', limit: 3, window: '1h', align: 'first-hit' });
  store.takeNow('ada', [first], 3);
  set(DAY);
  expect(store.takeNow('ada', [first], 1).verdicts).toMatchObject([{ outcome: 'denied', retryAfterUs: 3600e6 }]);
});

test('a refund counts only in the window of its take, also after the wall clock was set', async () => {
  const { clock, wallClock, set, advance } = clocks();
  const store = memoryLimitStore({ clock, wallClock });
  const { atUs } = store.takeNow('ada', [daily], 3);
  advance(DAY / 4);
  await store.refund('ada', [daily], { cost: 1, takenAtUs: atUs });
  expect(store.takeNow('ada', [daily], 2).verdicts).toMatchObject([{ outcome: 'denied', remaining: 1 }]);
  set(DAY);
  store.takeNow('ada', [daily], 3);
  await store.refund('ada', [daily], { cost: 2, takenAtUs: atUs });
  expect(store.takeNow('ada', [daily], 1).verdicts).toMatchObject([{ outcome: 'denied', remaining: 0 }]);
});
