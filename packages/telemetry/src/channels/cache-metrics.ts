import type {
  CacheBoundMessage,
  CacheErrorMessage,
  CacheFillMessage,
  CacheGapMessage,
  CacheGetMessage,
  CacheInvalidateMessage,
  CacheLoadMessage,
  CacheWaitMessage,
} from '@spillway/cache';
import { type ChannelMetrics, on } from './listener.ts';

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export const cacheMetrics: readonly ChannelMetrics[] = [
  on<CacheGetMessage>('spillway:cache:get', (metrics) => {
    const gets = metrics.counter('cache_gets_total', 'Answers, by the tier they came from (l1, l2, loader, stale)', [
      'cache',
      'from',
    ]);
    const negatives = metrics.counter('cache_negative_gets_total', 'Of the answers: those that nothing is there', [
      'cache',
      'from',
    ]);
    return ({ cache, from, negative }) => {
      gets.add(1, cache, from);
      if (negative) negatives.add(1, cache, from);
    };
  }),
  on<CacheLoadMessage>('spillway:cache:load', (metrics) => {
    const loads = metrics.counter(
      'cache_loads_total',
      'Loads, by how they ended (loaded, absent, failed, overloaded, timed-out)',
      ['cache', 'outcome'],
    );
    const durations = metrics.histogram(
      'cache_load_duration_seconds',
      'From the request for a load to its end, waiting for room included',
      ['cache'],
      SECONDS,
    );
    return ({ cache, outcome, durationMs }) => {
      loads.add(1, cache, outcome);
      durations.observe(durationMs / 1000, cache);
    };
  }),
  on<CacheWaitMessage>('spillway:cache:wait', (metrics) => {
    const waits = metrics.counter(
      'cache_waits_total',
      'Look-ups that waited for the load of another process, by how that ended (answered, failed, restarted, timed-out, taken-over, alone)',
      ['cache', 'outcome'],
    );
    const durations = metrics.histogram('cache_wait_duration_seconds', 'Of such waits', ['cache'], SECONDS);
    return ({ cache, outcome, durationMs }) => {
      waits.add(1, cache, outcome);
      durations.observe(durationMs / 1000, cache);
    };
  }),
  on<CacheFillMessage>('spillway:cache:fill', (metrics) => {
    const help = 'Attempts to fill the second tier (filled, refused, failed)';
    const fills = metrics.counter('cache_fills_total', help, ['cache', 'outcome']);
    return ({ cache, outcome }) => fills.add(1, cache, outcome);
  }),
  on<CacheInvalidateMessage>('spillway:cache:invalidate', (metrics) => {
    const invalidated = metrics.counter(
      'cache_invalidated_keys_total',
      'Keys invalidated, by who asked (local, bus, replay) and what the second tier did (deleted, pending, off)',
      ['cache', 'origin', 'store'],
    );
    const tagged = metrics.counter(
      'cache_invalidated_tags_total',
      'Tags invalidated, whatever was under them; labels as for keys',
      ['cache', 'origin', 'store'],
    );
    return ({ cache, keys, tags, origin, store }) => {
      if (keys > 0) invalidated.add(keys, cache, origin, store);
      if (tags > 0) tagged.add(tags, cache, origin, store);
    };
  }),
  on<CacheBoundMessage>('spillway:cache:bound', (metrics) => {
    const help = 'Times a bound made the cache give something up';
    const bounds = metrics.counter('cache_bound_total', help, ['cache', 'bound']);
    return ({ cache, bound }) => bounds.add(1, cache, bound);
  }),
  on<CacheGapMessage>('spillway:cache:gap', (metrics) => {
    const gaps = metrics.counter('cache_gaps_total', 'Times that everything in L1 had to be proven again', ['cache']);
    return ({ cache }) => gaps.add(1, cache);
  }),
  on<CacheErrorMessage>('spillway:cache:error', (metrics) => {
    const errors = metrics.counter('cache_errors_total', 'Failures that no caller hears of', ['cache', 'operation']);
    return ({ cache, operation }) => errors.add(1, cache, operation);
  }),
];
