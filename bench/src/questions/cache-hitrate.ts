import { createCache } from '@spillway/cache';
import { CACHE_TRACES, cacheTrace, lruHitRate, optimalHitRate, sampledLruHitRate } from '@spillway/testkit';
import { defineBench, type Figure, type Ratio } from '../harness.ts';

const WANTED = ['multi1', 'gli'];

export const bench = defineBench({
  name: 'cache-hitrate',
  question: 'How much of published traces does L1 hit, beside LRU, LRU as Redis approximates it, and what is possible?',
  async run({ size, log }) {
    const figures: Figure[] = [];
    const ratios: Ratio[] = [];
    let worst = { points: Number.POSITIVE_INFINITY, where: '' };
    for (const [name, all] of Object.entries(CACHE_TRACES)) {
      const keys = (await cacheTrace(name))?.slice(0, size === 'full' ? undefined : 2_000);
      if (keys === undefined) {
        log(`${name}: not there; it lies in ../shared/data/traces`);
        continue;
      }
      for (const entries of size === 'full' ? all : all.slice(0, 1)) {
        const percent = (rate: number) => 100 * rate;
        const ours = percent(await hitRate(keys, entries));
        const lru = percent(lruHitRate(keys, entries));
        const optimal = percent(optimalHitRate(keys, entries));
        if (ours > optimal + 1e-9) throw new Error(`${name} @ ${entries}: more hits than are possible`);
        const where = `${name} @ ${entries.toLocaleString('en-US')}`;
        figures.push({
          contestant: where,
          values: {
            'Spillway %': ours,
            'LRU %': lru,
            'LRU as in Redis %': percent(sampledLruHitRate(keys, entries)),
            'optimal %': optimal,
            'points above LRU': ours - lru,
          },
        });
        if (ours - lru < worst.points) worst = { points: ours - lru, where };
        if (!WANTED.includes(name) || entries !== 1_000) continue;
        ratios.push(
          { what: `points above LRU, ${where}`, value: ours - lru, bar: 15, better: 'higher' },
          { what: `part of the optimum, ${where}`, value: ours / optimal, bar: 0.9, better: 'higher' },
        );
      }
      log(`${name} done`);
    }
    if (figures.length > 0) {
      const what = `points above LRU where it is worst, ${worst.where}`;
      ratios.push({ what, value: worst.points, bar: -1, better: 'higher' });
    }
    return {
      figures,
      ratios,
      checked:
        figures.length > 0
          ? 'every value that was found is the one of its key, and no hit rate is above the optimum.'
          : 'nothing: the traces were not there.',
      notes: [
        'Hit rates of `createCache` as any user has it, a key at a time, a load for each miss; LRU and the optimum (Belady) are exact. Redis draws five entries and remembers the best sixteen. What L1 hits depends on the random seed of its hashes, by some tenths of a point.',
      ],
      chart: 'points above LRU',
    };
  },
});

async function hitRate(keys: readonly string[], maxEntries: number): Promise<number> {
  const cache = createCache<string>({
    name: 'hit-rate',
    ttl: '1d',
    jitter: 0,
    l1: { maxEntries, maxBytes: 2 ** 40, ttl: '1d' },
  });
  let hits = 0;
  for (const key of keys) {
    const entry = cache.peek(key);
    if (entry === undefined) await cache.get(key, async () => `value of ${key}`);
    else if (entry.value !== `value of ${key}`) throw new Error(`${key} has the value of another: ${entry.value}`);
    else hits += 1;
  }
  await cache.close();
  return hits / keys.length;
}
