import type { Cache } from '@spillway/cache';
import { Counter, Gauge, type Registry } from 'prom-client';
import { type Dependency, dependencies } from '../health/health.ts';
import type { RedirectCounts } from '../redirect/outcomes.ts';
import type { Services } from '../services.ts';

/** Values by labels, read at each scrape from what the service counts anyway: nothing is done per request. */
type Read = () => readonly (readonly [labels: Record<string, string>, value: number])[];

const STATES: Record<Dependency['state'], number> = { down: 0, degraded: 1, up: 2 };

/** The service's own metrics. Labels are bounded: never a code, a key or an address. */
export function addServiceMetrics(registry: Registry, services: Services, counts: RedirectCounts): void {
  const counter = (name: string, help: string, labelNames: string[], read: Read) =>
    new Counter({
      name,
      help,
      labelNames,
      registers: [registry],
      collect() {
        this.reset();
        for (const [labels, value] of read()) this.inc(labels, value);
      },
    });
  const gauge: Add = (name, help, labelNames, read, aggregator = 'sum') =>
    new Gauge({
      name,
      help,
      labelNames,
      aggregator,
      registers: [registry],
      collect() {
        this.reset();
        for (const [labels, value] of read()) this.set(labels, value);
      },
    });

  counter('spillway_links_redirects_total', 'Redirects by outcome, and where it was decided', ['outcome', 'from'], () =>
    counts.totals().map(([outcome, from, total]) => [{ outcome, from }, total]),
  );
  registry.registerMetric(redirectLatency(counts) as never);
  gauge(
    'spillway_links_dependency_state',
    '0 down, 1 degraded, 2 up',
    ['dependency'],
    () => dependencies(services).map(({ name, state }) => [{ dependency: name }, STATES[state]]),
    'min',
  );
  gauge(
    'spillway_links_instances',
    'Live instances, as this one knows',
    [],
    () => [[{}, services.neighbours.presence.instances]],
    'max',
  );
  addCache(services.cache, counter, gauge);
  addIds(services, counter, gauge);
  addClicks(services, counter, gauge);
}

type Add = (
  name: string,
  help: string,
  labelNames: string[],
  read: Read,
  aggregator?: 'sum' | 'max' | 'min',
) => unknown;

function addCache(cache: Cache<unknown>, counter: Add, gauge: Add): void {
  counter('spillway_links_cache_answers_total', 'Look-ups by the tier that answered', ['tier'], () =>
    Object.entries(cache.stats().answers).map(([tier, value]) => [{ tier }, value]),
  );
  gauge('spillway_links_cache_l1_entries', 'Links in this process', [], () => [[{}, cache.stats().l1.entries]]);
  gauge('spillway_links_cache_l1_bytes', 'Their size, as estimated', [], () => [[{}, cache.stats().l1.bytes]]);
  counter('spillway_links_cache_l1_evicted_total', 'Links that had to make room', [], () => [
    [{}, cache.stats().l1.evicted],
  ]);
  gauge('spillway_links_loads', 'Look-ups in the database, running and waiting', ['state'], () => {
    const { running, queued } = cache.stats().loads;
    return [
      [{ state: 'running' }, running],
      [{ state: 'queued' }, queued],
    ];
  });
  counter('spillway_links_loads_total', 'Look-ups in the database by outcome', ['outcome'], () => {
    const { loaded, failed, overloaded, timedOut } = cache.stats().loads;
    return Object.entries({ loaded, failed, overloaded, timedOut }).map(([outcome, value]) => [{ outcome }, value]);
  });
}

function addIds({ ids }: Services, counter: Add, gauge: Add): void {
  gauge('spillway_links_ids_remaining', 'Ids in hand', [], () => [[{}, ids.stats().remaining]]);
  counter('spillway_links_id_blocks_total', 'Blocks of ids by who proposed them', ['by'], () =>
    Object.entries(ids.stats().proposals).map(([by, value]) => [{ by }, value]),
  );
  counter('spillway_links_id_block_conflicts_total', 'Proposed blocks that were taken already', [], () => [
    [{}, ids.stats().conflicts],
  ]);
}

function addClicks({ clicks }: Services, counter: Add, gauge: Add): void {
  const { events, sink } = clicks;
  counter('spillway_links_clicks_total', 'Clicks accepted, and counted by the sink', ['stage'], () => {
    const { accepted, counted } = events.stats();
    return [
      [{ stage: 'accepted' }, accepted],
      [{ stage: 'counted' }, counted],
    ];
  });
  counter('spillway_links_clicks_dropped_total', 'Clicks that will never be counted', ['reason'], () =>
    Object.entries(events.stats().dropped).map(([reason, value]) => [{ reason }, value]),
  );
  gauge('spillway_links_clicks_pending', 'Clicks in ring and spool', [], () => [[{}, events.stats().pending]]);
  gauge('spillway_links_clicks_ring', 'Clicks that wait for the next batch', [], () => [
    [{}, events.stats().ring.events],
  ]);
  gauge('spillway_links_clicks_spool_bytes', 'Size of the spool', [], () => [[{}, events.stats().spool.bytes]]);
  gauge(
    'spillway_links_clicks_lag_seconds',
    'Age of the oldest batch that is not counted',
    [],
    () => [[{}, events.stats().lagMs / 1_000]],
    'max',
  );
  if (sink === undefined) return;
  counter('spillway_links_sink_events_total', 'Clicks that this process has counted for all', ['outcome'], () => {
    const { events: written, deadLettered } = sink.stats();
    return [
      [{ outcome: 'written' }, written],
      [{ outcome: 'dead-letter' }, deadLettered],
    ];
  });
}

/** A histogram whose buckets are the service's own numbers: prom-client's would be told of each redirect, one by one. */
function redirectLatency(counts: RedirectCounts) {
  const name = 'spillway_links_redirect_duration_seconds';
  const base = { name, help: 'Time from request to answer of a redirect', type: 'histogram', aggregator: 'sum' };
  return {
    ...base,
    async get() {
      const { bounds, counts: buckets, sumMs } = counts.latency();
      let total = 0;
      const values = buckets.map((count, at) => {
        total += count;
        const bound = bounds[at];
        const le = bound === undefined ? '+Inf' : bound / 1_000;
        return { labels: { le }, value: total, metricName: `${name}_bucket` };
      });
      return {
        ...base,
        values: [
          ...values,
          { labels: {}, value: sumMs / 1_000, metricName: `${name}_sum` },
          { labels: {}, value: total, metricName: `${name}_count` },
        ],
      };
    },
  };
}
