import { describe, expect, test } from 'vitest';
import type { CacheSpace } from '../../src/store.ts';
import type { MemoryBus } from '../../src/testing/memory-bus.ts';
import { interleave, type Mutant, type Stale } from '../support/interleave.ts';

const SEEDS = Number(process.env.SPILLWAY_SEEDS ?? 400);
const FIRST = Number(process.env.SPILLWAY_SEED ?? 1);

async function search(mutate?: Mutant): Promise<readonly Stale[]> {
  for (let seed = FIRST; seed < FIRST + SEEDS; seed += 1) {
    const stale = await interleave({ seed, steps: 120, ...(mutate === undefined ? {} : { mutate }) });
    if (stale.length > 0) return stale;
  }
  return [];
}

describe('whatever the interleaving', () => {
  test(`G5: no answer is older than the last write answered before it was asked for (seeds ${FIRST} to ${FIRST + SEEDS - 1})`, async () => {
    expect(await search()).toEqual([]);
  });
});

describe('the search notices', () => {
  test('a store that fills without comparing the token', async () => {
    const space = (whole: CacheSpace): CacheSpace => ({
      ...whole,
      fill: async (key, fill) => {
        const read = await whole.claim(key, 60_000).catch(() => undefined);
        return await whole.fill(key, { ...fill, token: read?.token ?? fill.token });
      },
    });
    expect(await search({ space })).not.toEqual([]);
  });

  test('a store that does not delete', async () => {
    const space = (whole: CacheSpace): CacheSpace => ({ ...whole, invalidate: async () => undefined });
    expect(await search({ space })).not.toEqual([]);
  });

  test('an instance that tells of a change as if its delete had been made', async () => {
    const bus = (whole: MemoryBus): void => {
      const { publish } = whole;
      whole.publish = (topic, message) => publish(topic, message.replace(/,"pendingBy":"[^"]*"/, ''));
    };
    expect(await search({ bus })).not.toEqual([]);
  });

  test('a write through the cache that does not notice another at the same time', async () => {
    const write: Mutant['write'] = async (cache, key, change) => cache.set(key, await change());
    expect(await search({ write })).not.toEqual([]);
  });

  test('a write through the cache that believes a change which failed not to have been made', async () => {
    const write: Mutant['write'] = async (cache, key, change) => {
      await change();
      await cache.invalidate({ key });
    };
    expect(await search({ write })).not.toEqual([]);
  });

  test('a bus that loses messages and says nothing', async () => {
    let sent = 0;
    const bus = (whole: MemoryBus): void => {
      const { publish } = whole;
      whole.publish = (topic, message) => {
        if (++sent % 2 === 0) publish(topic, message);
      };
    };
    expect(await search({ bus })).not.toEqual([]);
  });
});
