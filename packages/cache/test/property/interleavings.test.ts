import { describe, expect, test, vi } from 'vitest';
import type { CacheOptions } from '../../src/options.ts';
import type { CacheSpace } from '../../src/store.ts';
import type { MemoryBus } from '../../src/testing/memory-bus.ts';
import { type InterleavingOptions, interleave, type Mutant, type Stale } from '../support/interleave.ts';

const SEEDS = Number(process.env.SPILLWAY_SEEDS ?? 400);
const FIRST = Number(process.env.SPILLWAY_SEED ?? 1);

/** Values are refreshed long before their end, and answer long after it while they are. */
const REFRESHING: Partial<CacheOptions<string>> = {
  staleWhileRevalidate: '1h',
  earlyRefresh: 1_000,
  jitter: 0,
  l1: { maxEntries: 10, ttl: '1h' },
};

async function search(mutate?: Mutant, more: Partial<InterleavingOptions> = {}): Promise<readonly Stale[]> {
  for (let seed = FIRST; seed < FIRST + SEEDS; seed += 1) {
    const stale = await interleave({ seed, steps: 120, ...(mutate === undefined ? {} : { mutate }), ...more });
    if (stale.length > 0) return stale;
  }
  return [];
}

describe('whatever the interleaving', () => {
  test(`G5: no answer is older than the last write answered before it was asked for (seeds ${FIRST} to ${FIRST + SEEDS - 1})`, async () => {
    expect(await search()).toEqual([]);
  });

  test('G5: nor where one instance loads for both, and every look-up ends', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      expect(await search(undefined, { leases: { idle: () => vi.advanceTimersByTime(100) } })).toEqual([]);
    } finally {
      vi.useRealTimers();
    }
  });

  test('G5: nor where values are refreshed in the background', async () => {
    expect(await search(undefined, { options: REFRESHING })).toEqual([]);
  });

  test('G5: the same under tags', async () => {
    expect(await search(undefined, { tagged: true })).toEqual([]);
  });

  test('G5: all of these at once', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const leases = { idle: () => vi.advanceTimersByTime(100) };
      expect(await search(undefined, { tagged: true, leases, options: REFRESHING })).toEqual([]);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('the search notices', () => {
  test('a background refresh whose fill compares no token', async () => {
    const space = (whole: CacheSpace): CacheSpace => ({
      ...whole,
      fill: async (key, fill) => {
        const read = await whole.claim(key, 60_000).catch(() => undefined);
        return await whole.fill(key, { ...fill, token: read?.token ?? fill.token });
      },
    });
    expect(await search({ space }, { options: REFRESHING })).not.toEqual([]);
  });

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

  test('a store that does not outdate tags, and one that takes a record that is gone for the one before', async () => {
    const space = (whole: CacheSpace): CacheSpace => ({ ...whole, outdateTags: async () => undefined });
    expect(await search({ space }, { tagged: true })).not.toEqual([]);
    const same = { era: 'e', version: 'v' };
    const unworded = (whole: CacheSpace): CacheSpace => ({
      ...whole,
      claimTags: async (tags, forMs) => (await whole.claimTags(tags, forMs)).map(() => same),
      readTags: async (tags) => (await whole.readTags(tags)).map(() => same),
    });
    expect(await search({ space: unworded }, { tagged: true })).not.toEqual([]);
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
