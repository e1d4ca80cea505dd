import type { CacheSpace, StoreRead } from '@spillway/cache';
import { expect, test } from 'vitest';
import { doubtedSpace } from './doubted-space.ts';

test('G5: in doubt a value is not fresh, and may not answer while it is revalidated: it may only stand in', async () => {
  const value: StoreRead = { kind: 'value', token: 't', freshForMs: 500, text: 'v' };
  let inDoubt = true;
  const space = { read: async () => value, claim: async () => value } as unknown as CacheSpace;
  const doubted = doubtedSpace(space, () => inDoubt);
  for (const read of [await doubted.read('k'), await doubted.claim('k', 1)]) {
    expect(read).toEqual({ ...value, freshForMs: 0, doubted: true });
  }
  inDoubt = false;
  expect(await doubted.read('k')).toEqual(value);
});
