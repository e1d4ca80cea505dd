import type { Cache } from '@spillway/cache';
import type { Registry } from 'prom-client';
import { type Dependency, dependencies } from '../health/health.ts';
import type { RequestCounts } from '../http/request-counts.ts';
import type { Keys } from '../keys/keys.ts';
import type { Limits } from '../limits/limits.ts';
import type { RedirectCounts } from '../redirect/outcomes.ts';
import type { RequestRecorder } from '../requests/recorder.ts';
import type { Services } from '../services.ts';
import { createOwnMetrics, type OwnMetrics } from './own-metrics.ts';
import { addRequestLog } from './request-log-metrics.ts';

/** What is counted where the requests are answered. */
export interface Counts {
  readonly redirects: RedirectCounts;
  readonly requests: RequestCounts;
  readonly recorder: Pick<RequestRecorder, 'thinned'>;
}

/** Channels that the service leaves unheard, since one message per redirect would be too many: it counts these by itself. */
export const COUNTED_HERE = ['spillway:cache:get', 'spillway:limit:decision'] as const;

const STATES: Record<Dependency['state'], number> = { down: 0, degraded: 1, up: 2 };

/**
 * The service's own metrics, `docs/2.reference/metrics.md` lists them. Labels are bounded: never a code, a key or an address.
 * What stands in for a channel of `COUNTED_HERE` has the name that it would have from there.
 */
export function addServiceMetrics(registry: Registry, services: Services, counts: Counts): void {
  const metrics = createOwnMetrics(registry);
  addRequests(counts, metrics);
  metrics.gauge(
    'spillway_links_dependency_state',
    '0 down, 1 degraded, 2 up',
    ['dependency'],
    () => dependencies(services).map(({ name, state }) => [{ dependency: name }, STATES[state]]),
    'min',
  );
  metrics.gauge(
    'spillway_links_instances',
    'Live instances, as this one knows',
    [],
    () => [[{}, services.neighbours.presence.instances]],
    'max',
  );
  addLimits(services.limits, metrics);
  addCache(services.cache, services.keys, metrics);
  addWrites(services, metrics);
  addIds(services, metrics);
  addClicks(services, metrics);
  addRequestLog(services.requests, counts.recorder, metrics);
}

function addRequests({ redirects, requests }: Counts, { counter, histogram }: OwnMetrics): void {
  counter('spillway_links_redirects_total', 'Redirects by outcome, and where it was decided', ['outcome', 'from'], () =>
    redirects.totals().map(([outcome, from, total]) => [{ outcome, from }, total]),
  );
  const { bounds } = redirects.latency();
  histogram('spillway_links_redirect_duration_seconds', 'Time from request to answer of a redirect', [], bounds, () => {
    const { counts, sumMs } = redirects.latency();
    return [{ labels: {}, buckets: counts, sumMs }];
  });
  counter(
    'spillway_links_api_requests_total',
    'Requests that are no redirects, by route and class of status',
    ['method', 'route', 'status'],
    () =>
      [...requests.routes()].flatMap(({ method, route, byClass }) =>
        [...byClass].flatMap((total, at) => (total > 0 ? [[{ method, route, status: `${at + 1}xx` }, total]] : [])),
      ),
  );
  histogram(
    'spillway_links_api_request_duration_seconds',
    'Time from request to the end of its answer, of requests that are no redirects',
    ['method', 'route'],
    requests.boundsMs,
    () =>
      [...requests.routes()].map(({ method, route, buckets, sumMs }) => ({
        labels: { method, route },
        buckets,
        sumMs,
      })),
  );
}

function addLimits({ all, planSource }: Limits, { counter, gauge }: OwnMetrics): void {
  counter(
    'spillway_limit_decisions_total',
    'Takes decided, by policy, outcome (allowed, denied) and who decided',
    ['policy', 'outcome', 'decided_by'],
    () =>
      all.flatMap(({ name: policy, counts }) =>
        counts().decisions.map(([outcome, decidedBy, total]) => [{ policy, outcome, decided_by: decidedBy }, total]),
      ),
  );
  counter('spillway_limit_denials_total', 'Takes refused, by policy and reason', ['policy', 'reason'], () =>
    all.flatMap(({ name: policy, counts }) => counts().denials.map(([reason, total]) => [{ policy, reason }, total])),
  );
  counter(
    'spillway_limit_degraded_decisions_total',
    'Takes decided without the store that should have decided them',
    ['policy'],
    () => all.map(({ name: policy, counts }) => [{ policy }, counts().degraded]),
  );
  counter('spillway_links_plan_file_errors_total', 'Versions of the plans that were wrong, and passed over', [], () => [
    [{}, planSource.mistakes],
  ]);
  gauge(
    'spillway_links_plans_wrong',
    'What is wrong with the plans now, and passed over: the file (1), plans in the database',
    ['source'],
    () => Object.entries(planSource.wrong).map(([source, wrong]) => [{ source }, wrong]),
    'max',
  );
}

function addCache(cache: Cache<unknown>, keys: Keys, { counter, gauge }: OwnMetrics): void {
  counter('spillway_cache_gets_total', 'Answers, by the tier they came from', ['cache', 'from'], () => {
    const each = Object.entries({ links: cache.stats().answers, keys: keys.stats().answers });
    return each.flatMap(([cache, { l1, l2, loader, stale }]) =>
      Object.entries({ l1, l2, loader, stale }).map(([from, value]) => [{ cache, from }, value] as const),
    );
  });
  counter('spillway_links_cache_negative_total', 'Of the answers: those that there is no such link', [], () => [
    [{}, cache.stats().answers.negative],
  ]);
  counter('spillway_links_cache_failed_total', 'Look-ups that no tier could answer', [], () => [
    [{}, cache.stats().answers.failed],
  ]);
  gauge('spillway_links_cache_l1_entries', 'Links in this process', [], () => [[{}, cache.stats().l1.entries]]);
  gauge('spillway_links_cache_l1_bytes', 'Their size, as estimated', [], () => [[{}, cache.stats().l1.bytes]]);
  counter('spillway_links_cache_l1_evicted_total', 'Links that had to make room', [], () => [
    [{}, cache.stats().l1.evicted],
  ]);
  gauge(
    'spillway_links_cache_pending_deletes',
    'Changed links that the second tier has not been told of yet',
    [],
    () => [[{}, cache.stats().l2.pendingDeletes]],
  );
  gauge('spillway_links_loads', 'Look-ups in the database, running and waiting', ['state'], () => {
    const { running, queued } = cache.stats().loads;
    return [
      [{ state: 'running' }, running],
      [{ state: 'queued' }, queued],
    ];
  });
  counter('spillway_links_loads_total', 'Look-ups in the database by outcome', ['outcome'], () => {
    const { loaded, failed, overloaded, timedOut } = cache.stats().loads;
    return Object.entries({ loaded, failed, overloaded, 'timed-out': timedOut }).map(([outcome, value]) => [
      { outcome },
      value,
    ]);
  });
}

/** Embedded alone: PostgreSQL takes many writes at a time. */
function addWrites({ database }: Services, { counter, gauge }: OwnMetrics): void {
  const stats = () => database.writes?.();
  gauge('spillway_links_writes_waiting', 'Writes that wait for their turn at the embedded database', [], () => [
    [{}, stats()?.waiting ?? 0],
  ]);
  counter('spillway_links_writes_refused_total', 'Writes that had no turn there, by reason', ['reason'], () =>
    Object.entries(stats()?.refused ?? {}).map(([reason, value]) => [{ reason }, value]),
  );
}

function addIds({ ids }: Services, { counter, gauge }: OwnMetrics): void {
  gauge('spillway_links_ids_remaining', 'Ids in hand', [], () => [[{}, ids.stats().remaining]]);
  gauge(
    'spillway_links_ids_last_block',
    'Highest number of a block taken since the start',
    [],
    () => [[{}, ids.stats().lastBlock]],
    'max',
  );
  counter('spillway_links_id_blocks_total', 'Blocks of ids by who proposed them', ['by'], () =>
    Object.entries(ids.stats().proposals).map(([by, value]) => [{ by }, value]),
  );
  counter('spillway_links_id_block_conflicts_total', 'Proposed blocks that were taken already', [], () => [
    [{}, ids.stats().conflicts],
  ]);
}

function addClicks({ clicks }: Services, { counter, gauge }: OwnMetrics): void {
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
  counter('spillway_links_sink_events_total', 'Clicks that this process has counted for all', ['outcome'], () => {
    if (sink === undefined) return [];
    const { events: written, deadLettered } = sink.stats();
    return [
      [{ outcome: 'written' }, written],
      [{ outcome: 'dead-letter' }, deadLettered],
    ];
  });
}
