import { channel } from 'node:diagnostics_channel';
import { AggregatorRegistry, Registry } from 'prom-client';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Collection, collectPrometheus } from './collect-prometheus.ts';

let registry: Registry;
let collection: Collection;

beforeEach(() => {
  registry = new Registry();
  collection = collectPrometheus({ registry });
});

afterEach(() => collection.close());

const tell = (name: string, message: object) => channel(`spillway:${name}`).publish(message);

/** The samples of a scrape, without comments. */
const scrape = async (from: Registry = registry): Promise<string[]> =>
  (await from.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));

const allowed = { outcome: 'allowed', policy: 'free', decidedBy: 'store', degraded: false };
const denied = { outcome: 'denied', reason: 'exhausted', policy: 'free', decidedBy: 'share', degraded: true };

describe('collectPrometheus', () => {
  test('counts decisions by policy, outcome and who decided', async () => {
    for (let taken = 0; taken < 3; taken += 1)
      tell('limit:decision', { key: 'ada', cost: 1, decision: allowed, strategy: 'gcra' });
    tell('limit:decision', { key: 'grace', cost: 1, decision: denied, strategy: 'gcra' });
    tell('limit:store-error', { policies: ['free'], error: new Error('away') });
    tell('limit:overflow', { policy: 'free', keys: 5 });
    expect(await scrape()).toEqual([
      'spillway_limit_decisions_total{policy="free",outcome="allowed",decided_by="store"} 3',
      'spillway_limit_decisions_total{policy="free",outcome="denied",decided_by="share"} 1',
      'spillway_limit_strategy_decisions_total{strategy="gcra",outcome="allowed",decided_by="store"} 3',
      'spillway_limit_strategy_decisions_total{strategy="gcra",outcome="denied",decided_by="share"} 1',
      'spillway_limit_denials_total{policy="free",reason="exhausted"} 1',
      'spillway_limit_degraded_decisions_total{policy="free"} 1',
      'spillway_limit_fallbacks_total{decided_by="share",outcome="denied"} 1',
      'spillway_limit_store_errors_total{policy="free"} 1',
      'spillway_limit_overflow_total{policy="free"} 1',
    ]);
  });

  test('adds up the units of leases', async () => {
    tell('limit:lease', { what: 'granted', units: 30, policies: ['free', 'daily'] });
    tell('limit:lease', { what: 'spent', units: 20, policies: ['free', 'daily'] });
    tell('limit:lease', { what: 'spent', units: 4, policies: ['free'] });
    expect(await scrape()).toEqual([
      'spillway_limit_lease_units_total{policy="free",what="granted"} 30',
      'spillway_limit_lease_units_total{policy="free",what="spent"} 24',
      'spillway_limit_lease_units_total{policy="daily",what="granted"} 30',
      'spillway_limit_lease_units_total{policy="daily",what="spent"} 20',
      'spillway_limit_lease_units_held{policy="free"} 6',
      'spillway_limit_lease_units_held{policy="daily"} 10',
    ]);
    // Of a lease from before anybody listened.
    tell('limit:lease', { what: 'lost', units: 40, policies: ['daily'] });
    tell('limit:lease', { what: 'granted', units: 5, policies: ['daily'] });
    expect(await scrape()).toContain('spillway_limit_lease_units_held{policy="daily"} 5');
  });

  test('never labels by a user’s key, whatever it is', async () => {
    for (const key of ['ada', 'ada"} 1\nevil 1', 'x'.repeat(1000)]) {
      tell('limit:decision', { key, cost: 1, decision: allowed });
    }
    const samples = await scrape();
    expect(samples).toHaveLength(1);
    expect(samples.join('\n')).not.toMatch(/ada|evil|xxx/);
  });

  test('keeps the state of a link, and the time of its commands', async () => {
    tell('redis:state', { link: 'redis', state: 'up', previous: 'down' });
    tell('redis:state', { link: 'redis', state: 'down', previous: 'up' });
    tell('redis:command', { link: 'redis', operation: 'GET', outcome: 'ok', durationMs: 0.3 });
    tell('redis:command', { link: 'redis', operation: 'GET', outcome: 'deadline', durationMs: 2000 });
    tell('redis:command', { link: 'redis', operation: 'GET', outcome: 'refused', durationMs: 0 });
    const samples = await scrape();
    expect(samples).toEqual(
      expect.arrayContaining([
        'spillway_redis_up{link="redis"} 0',
        'spillway_redis_state{link="redis",state="down"} 1',
        'spillway_redis_state{link="redis",state="up"} 0',
        'spillway_redis_state_changes_total{link="redis",state="up"} 1',
        'spillway_redis_commands_total{link="redis",operation="GET",outcome="refused"} 1',
        'spillway_redis_command_duration_seconds_bucket{link="redis",operation="GET",le="0.00025"} 0',
        'spillway_redis_command_duration_seconds_bucket{link="redis",operation="GET",le="0.0005"} 1',
        'spillway_redis_command_duration_seconds_bucket{link="redis",operation="GET",le="1"} 1',
        'spillway_redis_command_duration_seconds_bucket{link="redis",operation="GET",le="+Inf"} 2',
        'spillway_redis_command_duration_seconds_sum{link="redis",operation="GET"} 2.0003',
        'spillway_redis_command_duration_seconds_count{link="redis",operation="GET"} 2',
      ]),
    );
  });

  test('counts what caches, ids and events tell', async () => {
    tell('cache:get', { cache: 'links', from: 'l1', negative: true });
    tell('cache:load', { cache: 'links', outcome: 'loaded', durationMs: 4 });
    tell('cache:wait', { cache: 'links', outcome: 'taken-over', durationMs: 900 });
    tell('cache:invalidate', { cache: 'links', keys: 3, tags: 0, origin: 'local', store: 'deleted' });
    tell('cache:invalidate', { cache: 'links', keys: 0, tags: 2, origin: 'bus', store: 'off' });
    tell('cache:bound', { cache: 'links', bound: 'loads' });
    const block = { allocator: 'ids', tookMs: 3, remaining: 10_000, conflicts: 2, proposedBy: 'redis' };
    tell('ids:block', { outcome: 'taken', ...block });
    tell('ids:block', { outcome: 'failed', allocator: 'ids', tookMs: 3, remaining: 7 });
    tell('events:batch', { log: 'clicks', stage: 'sent', events: 40, bytes: 4000 });
    const commit = { batches: 2, events: 80, skipped: 1, lagMs: 250, durationMs: 5 };
    tell('events:committed', { log: 'clicks', consumer: 'a', ...commit });
    tell('events:dropped', { log: 'clicks', producer: 'a', reason: 'ring-full', events: 9 });
    tell('events:spool', { log: 'clicks', producer: 'a', bytes: 10, maxBytes: 100, state: 'full' });
    expect(await scrape()).toEqual(
      expect.arrayContaining([
        'spillway_cache_gets_total{cache="links",from="l1"} 1',
        'spillway_cache_negative_gets_total{cache="links",from="l1"} 1',
        'spillway_cache_loads_total{cache="links",outcome="loaded"} 1',
        'spillway_cache_load_duration_seconds_bucket{cache="links",le="0.005"} 1',
        'spillway_cache_waits_total{cache="links",outcome="taken-over"} 1',
        'spillway_cache_wait_duration_seconds_bucket{cache="links",le="1"} 1',
        'spillway_cache_invalidated_keys_total{cache="links",origin="local",store="deleted"} 3',
        'spillway_cache_invalidated_tags_total{cache="links",origin="bus",store="off"} 2',
        'spillway_cache_bound_total{cache="links",bound="loads"} 1',
        'spillway_ids_blocks_total{allocator="ids",proposed_by="redis"} 1',
        'spillway_ids_block_conflicts_total{allocator="ids"} 2',
        'spillway_ids_block_failures_total{allocator="ids"} 1',
        'spillway_ids_remaining{allocator="ids"} 7',
        'spillway_events_batched_total{log="clicks",stage="sent"} 40',
        'spillway_events_committed_total{log="clicks"} 80',
        'spillway_events_lag_seconds{log="clicks"} 0.25',
        'spillway_events_dropped_total{log="clicks",reason="ring-full"} 9',
        'spillway_events_spool_bytes{log="clicks"} 10',
        'spillway_events_spool_writable{log="clicks"} 0',
      ]),
    );
  });

  test('asks what caches hold at each scrape, adds up those of one name, and knows when one is gone', async () => {
    const answer = (cache: string, bytes: number) => (report: unknown) =>
      (report as (cache: string, stats: object) => void)(cache, {
        l1: { entries: 1, bytes },
        loads: { running: 2, queued: 3 },
        l2: { pendingDeletes: 4, suspects: 5, bypassed: 'all' },
      });
    const reports = channel('spillway:cache:report');
    const [one, other, broken] = [answer('links', 10), answer('links', 20), answer('new', Number.NaN)];
    for (const each of [one, other, broken]) reports.subscribe(each);
    const samples = await scrape();
    expect(samples).toEqual(
      expect.arrayContaining([
        'spillway_cache_l1_entries{cache="links"} 2',
        'spillway_cache_l1_bytes{cache="links"} 30',
        'spillway_cache_loads_running{cache="links"} 4',
        'spillway_cache_loads_queued{cache="links"} 6',
        'spillway_cache_pending_deletes{cache="links"} 8',
        'spillway_cache_suspects{cache="links"} 10',
        'spillway_cache_l2_bypassed{cache="links"} 2',
      ]),
    );
    expect(samples.filter((line) => line.startsWith('spillway_cache_l1_bytes'))).toHaveLength(1);
    for (const each of [one, broken]) reports.unsubscribe(each);
    expect(await scrape()).toContain('spillway_cache_l1_bytes{cache="links"} 20');
    reports.unsubscribe(other);
    const gone = await scrape();
    expect(gone).toContain('spillway_cache_l1_bytes{cache="links"} 0');
    expect(gone).toContain('spillway_telemetry_errors_total{channel="spillway:cache:report"} 1');
    collection.close();
    collection = collectPrometheus({ registry, except: ['spillway:cache:report'] });
    expect(registry.getSingleMetric('spillway_cache_l1_bytes')).toBeUndefined();
  });

  test('G7: counts series beyond the bound together, and loses none', async () => {
    for (let at = 0; at < 1500; at += 1) {
      tell('limit:decision', { key: '', cost: 1, decision: { ...allowed, policy: `p${at}` } });
    }
    const samples = await scrape();
    expect(samples).toHaveLength(1001);
    expect(samples.at(-1)).toBe(
      'spillway_limit_decisions_total{policy="other",outcome="other",decided_by="other"} 500',
    );
  });

  test('a message it does not understand is counted, and does not end the process', async () => {
    tell('limit:decision', { decision: undefined });
    tell('events:dropped', { log: 'clicks', reason: 'ring-full' });
    tell('ids:block', { outcome: 'taken', allocator: 'ids' });
    expect(await scrape()).toEqual([
      'spillway_telemetry_errors_total{channel="spillway:limit:decision"} 1',
      'spillway_telemetry_errors_total{channel="spillway:events:dropped"} 1',
      'spillway_telemetry_errors_total{channel="spillway:ids:block"} 1',
    ]);
  });

  test('adds up over the workers of a cluster, each metric in its way', async () => {
    const other = new Registry();
    tell('limit:decision', { key: '', cost: 1, decision: allowed });
    tell('redis:state', { link: 'redis', state: 'up', previous: 'down' });
    tell('redis:command', { link: 'redis', operation: 'GET', outcome: 'ok', durationMs: 0.3 });
    tell('events:committed', { log: 'l', batches: 1, events: 1, skipped: 0, lagMs: 1000, durationMs: 1 });
    const first = await registry.getMetricsAsJSON();
    collection.close();
    collection = collectPrometheus({ registry: other });
    tell('limit:decision', { key: '', cost: 1, decision: allowed });
    tell('redis:state', { link: 'redis', state: 'down', previous: 'up' });
    tell('redis:command', { link: 'redis', operation: 'GET', outcome: 'ok', durationMs: 40 });
    tell('events:committed', { log: 'l', batches: 1, events: 1, skipped: 0, lagMs: 3000, durationMs: 1 });
    // Between processes it travels as JSON.
    const second = JSON.parse(JSON.stringify(await other.getMetricsAsJSON()));
    const samples = await scrape(AggregatorRegistry.aggregate([first, second]));
    expect(samples).toEqual(
      expect.arrayContaining([
        'spillway_limit_decisions_total{policy="free",outcome="allowed",decided_by="store"} 2',
        'spillway_redis_up{link="redis"} 0',
        'spillway_redis_state{link="redis",state="up"} 1',
        'spillway_redis_state{link="redis",state="down"} 1',
        'spillway_redis_command_duration_seconds_bucket{link="redis",operation="GET",le="0.0005"} 1',
        'spillway_redis_command_duration_seconds_bucket{link="redis",operation="GET",le="+Inf"} 2',
        'spillway_redis_command_duration_seconds_count{link="redis",operation="GET"} 2',
        'spillway_events_lag_seconds{log="l"} 3',
      ]),
    );
  });

  test('leaves alone the channels it is told to, and makes none of their metrics', async () => {
    collection.close();
    collection = collectPrometheus({ registry, except: ['spillway:limit:decision', 'spillway:cache:get'] });
    expect(channel('spillway:limit:decision').hasSubscribers).toBe(false);
    tell('limit:decision', { key: '', cost: 1, decision: allowed });
    tell('limit:store-error', { policies: ['free'], error: new Error('away') });
    expect(await scrape()).toEqual(['spillway_limit_store_errors_total{policy="free"} 1']);
    expect(registry.getSingleMetric('spillway_limit_decisions_total')).toBeUndefined();
    expect(registry.getSingleMetric('spillway_cache_gets_total')).toBeUndefined();
    expect(() => collectPrometheus({ registry: new Registry(), except: ['limit:decision'] })).toThrow(
      /except: must be among "spillway:limit:decision".* got "limit:decision"/,
    );
  });

  test('stops listening and leaves the registry when it is closed', async () => {
    collection.close();
    tell('limit:decision', { key: '', cost: 1, decision: allowed });
    expect(channel('spillway:limit:decision').hasSubscribers).toBe(false);
    expect(await scrape()).toEqual([]);
    // So it can be started again on the same registry.
    collection = collectPrometheus({ registry });
    expect(() => collectPrometheus({ registry })).toThrow(/already been registered/);
  });
});
