import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Cache } from '../../src/cache.ts';
import { fixture, settle } from '../../src/testing/fixture.ts';

const KEYS = ['a', 'b', 'c', '__proto__', ''];
const key = fc.constantFrom(...KEYS);

/** What callers do at the same time; `order` says whose load goes on first. */
interface Calls {
  readonly warm: readonly string[];
  readonly exist: readonly string[];
  readonly broken: readonly string[];
  readonly calls: readonly (readonly string[])[];
  readonly order: readonly number[];
  readonly tiers: 'both' | 'l1' | 'l2';
  readonly slowStore: boolean;
}

const scenario = fc.record<Calls>({
  warm: fc.uniqueArray(key),
  exist: fc.uniqueArray(key),
  broken: fc.uniqueArray(key, { maxLength: 2 }),
  // A call for one key is a `get`.
  calls: fc.array(fc.array(key, { minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 5 }),
  order: fc.array(fc.nat(20), { minLength: 10, maxLength: 10 }),
  tiers: fc.constantFrom('both', 'l1', 'l2'),
  slowStore: fc.boolean(),
});

type Outcome = readonly (string | undefined)[] | string;

/** What each call has to answer, whatever the order: a key is broken, there, or not, and of errors the first key's is told. */
function model({ warm, exist, broken }: Calls, keys: readonly string[]): Outcome {
  const failing = keys.find((each) => broken.includes(each) && !warm.includes(each));
  if (failing !== undefined) return `broken ${failing}`;
  return keys.map((each) => (exist.includes(each) ? `value ${each}` : undefined));
}

async function act(given: Calls) {
  const { warm, exist, broken, calls, order, tiers, slowStore } = given;
  const options = tiers === 'l2' ? ({ l1: 'off' } as const) : {};
  const { a: cache, store } = fixture(options);
  if (tiers === 'l1') store.turn('down');
  const rowOf = (each: string) => (exist.includes(each) ? `value ${each}` : undefined);
  for (const each of warm) await cache.get(each, async () => rowOf(each));
  await settle();
  const loading = new Map<string, number>();
  const loaded: string[] = [];
  const parked: (() => void)[] = [];
  let over = false;
  // A call that failed is over while the loads of its other keys may only begin: nobody would let those go on.
  const park = () => (over ? Promise.resolve() : new Promise<void>((resolve) => void parked.push(resolve)));
  const begin = (keys: readonly string[]): void => {
    expect(new Set(keys).size).toBe(keys.length);
    for (const each of keys) {
      loaded.push(each);
      loading.set(each, (loading.get(each) ?? 0) + 1);
      expect([each, loading.get(each)]).toEqual([each, 1]);
    }
  };
  const end = (keys: readonly string[]): void => {
    for (const each of keys) loading.set(each, 0);
  };
  const answer = (each: string) => (broken.includes(each) ? new Error(`broken ${each}`) : rowOf(each));
  // The store, too, answers in any order.
  if (slowStore) store.after = park;
  let batches = 0;
  const ask = async (cache: Cache<string>, keys: readonly string[]): Promise<Outcome> => {
    const [only] = keys;
    if (keys.length > 1 || only === undefined) {
      return await cache.getMany(keys, async (asked) => {
        batches += 1;
        begin(asked);
        await park();
        end(asked);
        return new Map(asked.map((each) => [each, answer(each)]));
      });
    }
    const value = await cache.get(only, async () => {
      begin([only]);
      await park();
      end([only]);
      const found = answer(only);
      if (found instanceof Error) throw found;
      return found;
    });
    return [value];
  };
  const running = calls.map((keys) => ask(cache, keys).catch((error: Error) => error.message));
  const results = Promise.all(running).finally(() => {
    over = true;
  });
  for (let step = 0; !over; step += 1) {
    await settle();
    parked.splice((order[step % order.length] ?? 0) % Math.max(1, parked.length), 1)[0]?.();
    if (step > 1_000) throw new Error('it does not come to an end');
  }
  store.after = () => undefined;
  for (const resume of parked) resume();
  return { results: await results, loaded, batches, cache };
}

test('G5: however many gets and getManys overlap, each answers as the truth, and no key is loaded twice at a time', () =>
  fc.assert(
    fc.asyncProperty(scenario, async (given) => {
      const { results, loaded, batches, cache } = await act(given);
      expect(results).toEqual(given.calls.map((keys) => model(given, keys)));
      // What was there is not loaded, and what is not broken once at most.
      expect(loaded.filter((each) => given.warm.includes(each))).toEqual([]);
      const whole = loaded.filter((each) => !given.broken.includes(each));
      expect(new Set(whole).size).toBe(whole.length);
      expect(batches).toBeLessThanOrEqual(given.calls.filter((keys) => keys.length > 1).length);
      // A call that failed did not wait for its other keys.
      for (let turn = 0; turn < 100 && cache.stats().flights > 0; turn += 1) await settle();
      expect(cache.stats()).toMatchObject({ flights: 0, loads: { running: 0, queued: 0 } });
    }),
    { numRuns: 300 },
  ));
