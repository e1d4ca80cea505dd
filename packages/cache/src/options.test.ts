import { ConfigurationError } from '@spillway/kernel';
import { describe, expect, test } from 'vitest';
import { createCache } from './create-cache.ts';
import type { CacheOptions } from './options.ts';

const wrong = (options: unknown): ConfigurationError => {
  try {
    createCache(options as CacheOptions<string>);
  } catch (error) {
    if (error instanceof ConfigurationError) return error;
    throw error;
  }
  throw new Error('it took the options');
};

describe('options', () => {
  test('a value can not be revalidated for longer than it is kept', () => {
    const { issues } = wrong({ name: 'x', ttl: '1m', staleIfError: '10s', staleWhileRevalidate: '11s' });
    expect(issues).toEqual([
      {
        path: 'staleWhileRevalidate',
        message: 'must not be longer than staleIfError, 10000 ms, got 11000 ms',
      },
    ]);
  });

  test('all mistakes are told at once, each with its path', () => {
    const { issues } = wrong({
      name: '',
      ttl: '5 minutes',
      negativeTtl: 'x',
      staleIfError: '-1h',
      l1: { maxEntries: 0, maxBytes: 1.5, ttl: '5' },
      loads: { concurrent: 0, queued: -1, softTimeout: '0ms', hardTimeout: '30d' },
      jitter: 2,
      earlyRefresh: -1,
      staleWhileRevalidate: 'long',
    });
    expect(issues.map(({ path }) => path).sort()).toEqual([
      'earlyRefresh',
      'jitter',
      'l1.maxBytes',
      'l1.maxEntries',
      'l1.ttl',
      'loads.concurrent',
      'loads.hardTimeout',
      'loads.queued',
      'loads.softTimeout',
      'name',
      'negativeTtl',
      'staleIfError',
      'staleWhileRevalidate',
      'ttl',
    ]);
  });

  test('a missing ttl, and numbers as strings, are refused with the value and the remedy', () => {
    expect(wrong({ name: 'x' }).message).toContain('ttl: is missing; write e.g. "5m"');
    expect(wrong({ name: 'x', ttl: '1s', l1: { maxEntries: '100' } }).message).toContain('got "100"');
  });

  test('a wrong ttl of one call rejects before anything is loaded', async () => {
    const cache = createCache<string>({ name: 'x', ttl: '1s' });
    let loads = 0;
    const load = async () => {
      loads += 1;
      return 'v';
    };
    await expect(cache.get('k', load, { ttl: 'soon' as '1s' })).rejects.toThrow(ConfigurationError);
    await expect(cache.set('k', 'v', { ttl: 'soon' as '1s' })).rejects.toThrow(ConfigurationError);
    expect(loads).toBe(0);
  });

  test('a key that is not a string is refused by name', async () => {
    const cache = createCache<string>({ name: 'x', ttl: '1s' });
    const key = 5 as unknown as string;
    await expect(cache.get(key, async () => 'v')).rejects.toThrow('A cache key is a string, got number');
    await expect(cache.invalidate({ keys: ['a', key] })).rejects.toThrow(TypeError);
  });
});
