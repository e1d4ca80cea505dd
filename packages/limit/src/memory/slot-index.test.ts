import { seededRandom } from '@spillway/kernel';
import { expect, test } from 'vitest';
import { createSlotIndex, MAX_PROBES } from './slot-index.ts';

/** Adds, asks for and deletes at random, beside a Map. */
function walk(steps: number, names: number, seed: number, hashOf?: (key: string) => number): void {
  const random = seededRandom(seed);
  const keys: (string | undefined)[] = [];
  const index = createSlotIndex(seed, (slot) => keys[slot], hashOf);
  const truth = new Map<string, number>();
  for (let step = 0; step < steps; step += 1) {
    const key = `10.0.${Math.floor(random() * names)}`;
    const known = truth.get(key);
    expect(index.get(key), `seed ${seed}, step ${step}`).toBe(known);
    if (known === undefined) {
      const slot = keys.push(key) - 1;
      index.add(key, slot);
      truth.set(key, slot);
    } else if (random() < 0.6) {
      index.remove(known);
      keys[known] = undefined;
      truth.delete(key);
    }
    expect(index.size).toBe(truth.size);
  }
  for (const [key, slot] of truth) expect(index.get(key)).toBe(slot);
}

test('it finds what a Map finds, growing and shrinking', () => {
  walk(20_000, 5_000, 1);
  walk(5_000, 50, 2);
});

test('keys of one hash, or of a few, are found all the same', () => {
  walk(5_000, 4 * MAX_PROBES, 3, () => 7);
  walk(5_000, 4 * MAX_PROBES, 4, (key) => key.length * 64);
  walk(5_000, 4 * MAX_PROBES, 5, () => -1);
});
