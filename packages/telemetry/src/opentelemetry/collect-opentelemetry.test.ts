import { channel } from 'node:diagnostics_channel';
import { context, metrics, SpanStatusCode, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { createCache } from '@spillway/cache';
import { createLimiter, memoryLimitStore, tokenBucket } from '@spillway/limit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Collection, collectOpenTelemetry } from './collect-opentelemetry.ts';

const policy = tokenBucket({ name: 'free', capacity: 2, refill: { tokens: 2, every: '1h' } });
const tell = (name: string, message: object) => channel(`spillway:${name}`).publish(message);

/** The real SDK, registered as a program does it, with what it exports kept in memory. */
function startSdk() {
  const metricExporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter: metricExporter, exportIntervalMillis: 3_600_000 });
  const meters = new MeterProvider({ readers: [reader] });
  const spanExporter = new InMemorySpanExporter();
  const tracers = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter: spanExporter })] });
  metrics.setGlobalMeterProvider(meters);
  trace.setGlobalTracerProvider(tracers);
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  return {
    async exported() {
      metricExporter.reset();
      await reader.forceFlush();
      return metricExporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics));
    },
    spans: () => spanExporter.getFinishedSpans(),
    async close() {
      metrics.disable();
      trace.disable();
      context.disable();
      await Promise.all([meters.shutdown(), tracers.shutdown()]);
    },
  };
}

let sdk: ReturnType<typeof startSdk>;
let collection: Collection;

beforeEach(() => {
  sdk = startSdk();
  collection = collectOpenTelemetry();
});

afterEach(async () => {
  collection.close();
  await sdk.close();
});

/** The points of a metric as `attributes -> value`. */
async function points(name: string): Promise<Record<string, unknown>> {
  const metric = (await sdk.exported()).find(({ descriptor }) => descriptor.name === name);
  return Object.fromEntries(
    (metric?.dataPoints ?? []).map(({ attributes, value }) => [Object.values(attributes).join(' '), value]),
  );
}

/** A store that others share, as far as the limiter can tell. */
const sharedStore = () => {
  const memory = memoryLimitStore();
  return {
    ...memory,
    scope: 'shared' as const,
    takeNow: undefined as never,
    take: async (...args: Parameters<typeof memory.take>) => memory.takeNow(...args),
  };
};

const limiterOfShared = () => {
  const { takeNow, ...store } = sharedStore();
  return createLimiter({ policy }, { store, presence: { instances: 1 } });
};

describe('collectOpenTelemetry', () => {
  test('exports what limiters decide, and how long their store took', async () => {
    const limiter = limiterOfShared();
    for (let take = 0; take < 3; take += 1) await limiter.take('ada');
    expect(await points('spillway.limit.decisions')).toEqual({ 'free allowed store': 2, 'free denied store': 1 });
    expect(await points('spillway.limit.strategy_decisions')).toEqual({
      'token-bucket allowed store': 2,
      'token-bucket denied store': 1,
    });
    expect(await points('spillway.limit.store_calls')).toEqual({ 'take ok': 3 });
    expect(await points('spillway.limit.store_duration')).toMatchObject({ take: { count: 3 } });
    const exported = await sdk.exported();
    const descriptor = (name: string) => exported.find((metric) => metric.descriptor.name === name)?.descriptor;
    expect(descriptor('spillway.limit.store_duration')).toMatchObject({ unit: 's' });
    expect(JSON.stringify(exported)).not.toContain('ada');
  });

  test('exports gauges and sums of the other packages, and goes on counting between exports', async () => {
    tell('redis:state', { link: 'main', state: 'down', previous: 'up' });
    tell('events:dropped', { log: 'clicks', producer: 'a', reason: 'ring-full', events: 9 });
    expect(await points('spillway.redis.up')).toEqual({ main: 0 });
    expect(await points('spillway.events.dropped')).toEqual({ 'clicks ring-full': 9 });
    tell('events:dropped', { log: 'clicks', producer: 'a', reason: 'ring-full', events: 1 });
    expect(await points('spillway.events.dropped')).toEqual({ 'clicks ring-full': 10 });
    tell('limit:lease', { what: 'granted', units: 30, policies: ['free'] });
    tell('limit:lease', { what: 'spent', units: 24, policies: ['free'] });
    expect(await points('spillway.limit.lease_units_held')).toEqual({ free: 6 });
  });

  test('exports what a cache answers, loads, fills, invalidates, gives up and holds', async () => {
    const next = createCache<string>({ name: 'links', ttl: '1h', l1: { maxEntries: 2 } });
    const load = async (key: string) => (key === 'none' ? undefined : 'v');
    for (const key of ['a', 'a', 'none', 'b', 'c']) await next.get(key, load);
    const { entries, bytes } = next.stats().l1;
    expect([entries, bytes > 0]).toEqual([2, true]);
    expect(await points('spillway.cache.l1_entries')).toEqual({ links: entries });
    expect(await points('spillway.cache.l1')).toEqual({ links: bytes });
    await next.invalidate({ keys: ['b', 'c'] });
    await next.get('slow', () => Promise.reject(new Error('no'))).catch(() => undefined);
    tell('cache:fill', { cache: 'links', outcome: 'refused' });
    tell('cache:gap', { cache: 'links' });
    tell('cache:get', { cache: 'links', from: 'stale', negative: false });
    tell('cache:invalidate', { cache: 'links', keys: 3, origin: 'bus', store: 'off' });
    expect(await points('spillway.cache.gets')).toEqual({ 'links l1': 1, 'links loader': 4, 'links stale': 1 });
    expect(await points('spillway.cache.negative_gets')).toEqual({ 'links loader': 1 });
    expect(await points('spillway.cache.loads')).toEqual({ 'links loaded': 3, 'links absent': 1, 'links failed': 1 });
    expect(await points('spillway.cache.load_duration')).toMatchObject({ links: { count: 5 } });
    expect(await points('spillway.cache.fills')).toEqual({ 'links refused': 1 });
    expect(await points('spillway.cache.bound')).toEqual({ 'links l1-entries': 2 });
    expect(await points('spillway.cache.gaps')).toEqual({ links: 1 });
    expect(await points('spillway.cache.invalidated_keys')).toEqual({ 'links local off': 2, 'links bus off': 3 });
    const exported = await sdk.exported();
    expect(exported.find(({ descriptor }) => descriptor.name === 'spillway.cache.l1')?.descriptor.unit).toBe('By');
    await next.close();
    expect(await points('spillway.cache.l1_entries')).toEqual({ links: 0 });
  });

  test('makes a span of each load of a cache, below the span under way, and marks one that failed', async () => {
    const cache = createCache<string>({ name: 'users', ttl: '1h' });
    await trace.getTracer('test').startActiveSpan('request', async (request) => {
      await cache.get('ada', async () => 'v');
      await cache.get('bob', () => Promise.reject(new Error('no'))).catch(() => undefined);
      request.end();
    });
    const loads = sdk.spans().filter(({ name }) => name === 'load users');
    expect(loads.map(({ status, attributes }) => [status.code, attributes])).toEqual([
      [SpanStatusCode.UNSET, { 'spillway.cache': 'users', 'spillway.cache.outcome': 'loaded' }],
      [SpanStatusCode.ERROR, { 'spillway.cache': 'users', 'spillway.cache.outcome': 'failed' }],
    ]);
    const request = sdk.spans().find(({ name }) => name === 'request');
    expect(loads[0]?.parentSpanContext?.spanId).toBe(request?.spanContext().spanId);
    await cache.close();
  });

  test('keeps at most 1,000 combinations of a metric, and counts the rest together', async () => {
    for (let at = 0; at < 1500; at += 1) tell('limit:block', { key: 'ada', policies: [`policy ${at}`], forMs: 1 });
    const blocks = await points('spillway.limit.blocks');
    expect(Object.keys(blocks)).toHaveLength(1001);
    expect(blocks.other).toBe(500);
  });

  test('makes a span of each call of a store, below the span under way, and an event of each decision', async () => {
    const limiter = limiterOfShared();
    await trace.getTracer('test').startActiveSpan('request', async (request) => {
      await limiter.take('ada');
      request.end();
    });
    const [call, request] = sdk.spans();
    expect([call?.name, request?.name]).toEqual(['limit take', 'request']);
    expect(call?.parentSpanContext?.spanId).toBe(request?.spanContext().spanId);
    expect(call?.attributes).toEqual({ 'spillway.limit.operation': 'take', 'spillway.limit.policies': ['free'] });
    expect(request?.events.map(({ name, attributes }) => [name, attributes?.['spillway.limit.outcome']])).toEqual([
      ['spillway.limit.decision', 'allowed'],
    ]);
    expect(JSON.stringify([call?.attributes, request?.events])).not.toContain('ada');
  });

  test('marks the span of a call that failed', async () => {
    const { takeNow, ...store } = sharedStore();
    const away = { ...store, take: async () => Promise.reject(new Error('away')) };
    const limiter = createLimiter({ policy }, { store: away, presence: { instances: 1 } });
    await trace.getTracer('test').startActiveSpan('request', async (request) => {
      await limiter.take('ada');
      request.end();
    });
    expect(sdk.spans()[0]?.status.code).toBe(SpanStatusCode.ERROR);
    expect(await points('spillway.limit.fallbacks')).toEqual({ 'share allowed': 1 });
  });

  test('makes no span that would stand alone', async () => {
    await limiterOfShared().take('ada');
    expect(sdk.spans()).toEqual([]);
  });

  test('what it does not understand is counted, and does not end the process', async () => {
    tell('limit:decision', {});
    tell('limit:store', {});
    expect(await points('spillway.telemetry.errors')).toEqual({
      'spillway:limit:decision': 1,
      'spillway:limit:store': 1,
    });
  });

  test('leaves alone what it is told to, refuses what it does not know, and stops when it is closed', async () => {
    collection.close();
    expect(channel('spillway:limit:decision').hasSubscribers).toBe(false);
    collection = collectOpenTelemetry({ except: ['spillway:limit:decision'] });
    expect(channel('spillway:limit:decision').hasSubscribers).toBe(false);
    expect(channel('spillway:limit:store').hasSubscribers).toBe(true);
    expect(() => collectOpenTelemetry({ except: ['spillway:limit'] })).toThrow('got "spillway:limit"');
  });

  test('listens to nothing while no SDK is there that would take it', async () => {
    collection.close();
    metrics.disable();
    trace.disable();
    collection = collectOpenTelemetry();
    for (const name of ['limit:decision', 'limit:store', 'cache:get', 'redis:command']) {
      expect(channel(`spillway:${name}`).hasSubscribers).toBe(false);
    }
  });
});
