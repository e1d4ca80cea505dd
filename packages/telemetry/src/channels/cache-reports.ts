import type { CacheReport } from '@spillway/cache';
import { finite, MAX_SERIES } from './labels.ts';
import type { AskedMetrics } from './listener.ts';

type Stats = Parameters<CacheReport>[1];

const GAUGES: readonly (readonly [name: string, help: string, of: (stats: Stats) => number])[] = [
  ['cache_l1_entries', 'Entries in L1', ({ l1 }) => l1.entries],
  ['cache_l1_bytes', 'Bytes of keys and values in L1, as estimated', ({ l1 }) => l1.bytes],
  ['cache_loads_running', 'Loads that are running', ({ loads }) => loads.running],
  ['cache_loads_queued', 'Loads that wait for room', ({ loads }) => loads.queued],
  ['cache_pending_deletes', 'Deletes that the second tier has not confirmed', ({ l2 }) => l2.pendingDeletes],
  [
    'cache_suspects',
    'Keys not read from the second tier, where another has such a delete to make',
    ({ l2 }) => l2.suspects,
  ],
  ['cache_l2_bypassed', 'Caches that read nothing from their second tier', ({ l2 }) => (l2.bypassed === 'all' ? 1 : 0)],
];

/** What caches hold now. Those of one name are added up; one that is closed, or gone, holds nothing. */
export const cacheReports: AskedMetrics<Parameters<CacheReport>> = {
  channel: 'spillway:cache:report',
  create(metrics, ask) {
    for (const [name, help, of] of GAUGES) {
      const known = new Set<string>();
      const level = metrics.gauge(name, help, ['cache'], 'sum', () => {
        const sums = new Map<string, number>();
        ask((cache, stats) => sums.set(cache, (sums.get(cache) ?? 0) + finite(of(stats))));
        for (const cache of known) if (!sums.has(cache)) level.set(0, cache);
        for (const [cache, sum] of sums) {
          if (known.size < MAX_SERIES) known.add(cache);
          level.set(sum, cache);
        }
      });
    }
  },
};
