import { readFileSync } from 'node:fs';
import { until } from '@spillway/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ADMIN_KEY, type ApiService, startApiService } from '../support/api-client.ts';

interface Row {
  readonly name: string;
  readonly kind: string;
  readonly labels: string;
  readonly workers: string;
}

const reference = readFileSync(new URL('../../../../docs/2.reference/metrics.md', import.meta.url), 'utf8');

/** From channels of which the service counts the rest by itself, and the page says so. */
const NOT_IN_THE_SERVICE = [
  'spillway_cache_negative_gets_total',
  'spillway_limit_strategy_decisions_total',
  'spillway_limit_fallbacks_total',
];

function listedRows(): Row[] {
  const rows = reference.matchAll(/^\| `(spillway_\w+)` \| (\w+) \| ([^|]*) \| (\w+) \|/gm);
  return [...rows]
    .map(([, name = '', kind = '', labels = '', workers = '']) => ({ name, kind, labels: labels.trim(), workers }))
    .filter(({ name }) => !NOT_IN_THE_SERVICE.includes(name));
}

async function exportedRows({ instance }: ApiService): Promise<Row[]> {
  const registry = await instance.registry();
  const own = registry.getMetricsAsArray().filter(({ name }) => name.startsWith('spillway_'));
  return Promise.all(
    own.map(async (metric) => {
      const { name, type, aggregator } = (await registry.getSingleMetric(metric.name)?.get()) ?? metric;
      const names = 'labelNames' in metric ? (metric.labelNames as string[]) : [];
      const labels = names.map((label) => `\`${label}\``).join(', ');
      return { name, kind: String(type), labels, workers: String(aggregator) };
    }),
  );
}

const byName = (one: Row, other: Row) => (one.name < other.name ? -1 : 1);

describe.each(['SQLite', 'PostgreSQL and Redis'] as const)('/metrics on %s', (configuration) => {
  let api: ApiService;
  beforeAll(async () => {
    api = await startApiService(configuration, {
      LIMIT_MISS: '1/h burst 2',
      LIMIT_PASSWORD: '1/h burst 1',
      LIMIT_CREATE: '1/h burst 1',
      ANONYMOUS_CREATE: 'limited',
    });
  });
  afterAll(async () => {
    await api?.[Symbol.asyncDispose]();
  });
  const scrape = async (): Promise<string> => (await api.visit('/metrics')).text;
  const seriesValue = (text: string, series: string): number => {
    const line = text.split('\n').find((each) => each.startsWith(`${series} `));
    return line === undefined ? 0 : Number(line.slice(series.length + 1));
  };
  const decisions = (text: string, policy: string, outcome: string, by: string) =>
    seriesValue(text, `spillway_limit_decisions_total{policy="${policy}",outcome="${outcome}",decided_by="${by}"}`);

  test('exports what the reference page lists, with its kind, labels and aggregation, and nothing else', async () => {
    expect((await exportedRows(api)).sort(byName)).toEqual(listedRows().sort(byName));
    const scraped = [...(await scrape()).matchAll(/^# TYPE (spillway_\w+) (\w+)$/gm)].map(([, name, kind]) => [
      name,
      kind,
    ]);
    expect(scraped.sort()).toEqual(
      listedRows()
        .map(({ name, kind }) => [name, kind])
        .sort(),
    );
  });

  test('counts the decisions of every policy, by outcome and who decided', async () => {
    const { code } = await api.create();
    const guarded = await api.create({ password: 'open sesame' });
    const made = await api.call('POST', '/api/v1/keys', { body: { name: 'a program', scopes: ['limits:check'] } });
    const { key } = made.body;
    const before = await scrape();
    const from = (client: string) => ({ 'x-forwarded-for': client });
    for (let visit = 0; visit < 5; visit += 1) await api.visit(`/${code}`, from('198.51.100.1'));
    // Two guesses are free, the third is found out, the fourth is not looked up any more.
    for (let guess = 0; guess < 4; guess += 1) await api.visit(`/nobody${guess}`, from('198.51.100.2'));
    const anonymous = { key: null, headers: from('198.51.100.3'), body: { url: 'https://example.com/' } };
    const links = [
      await api.call('POST', '/api/v1/links', anonymous),
      await api.call('POST', '/api/v1/links', anonymous),
    ];
    expect(links.map(({ status }) => status)).toEqual([201, 429]);
    const guess = () => {
      const body = new URLSearchParams({ password: 'wrong' });
      return fetch(`${api.url}/${guarded.code}`, { method: 'POST', headers: from('198.51.100.4'), body });
    };
    const tries = [await guess(), await guess()];
    expect(tries.map(({ status }) => status)).toEqual([403, 429]);
    const check = { key, body: { policy: 'free', key: 'somebody', cost: 10 } };
    for (let i = 0; i < 2; i += 1) await api.call('POST', '/api/v1/limits/check', check);
    await api.call('POST', '/api/v1/limits/check', { key, body: { policy: 'premium', key: 'somebody', cost: 51 } });

    const after = await scrape();
    const more = (policy: string, outcome: string, by: string) =>
      decisions(after, policy, outcome, by) - decisions(before, policy, outcome, by);
    // Five visits, four guesses, two forms.
    expect(more('redirect', 'allowed', 'share')).toBe(11);
    expect([more('miss', 'allowed', 'share'), more('miss', 'denied', 'share')]).toEqual([2, 1]);
    expect(more('miss', 'denied', 'local-block')).toBe(1);
    expect([more('create', 'allowed', 'share'), more('create', 'denied', 'share')]).toEqual([1, 1]);
    expect([more('password', 'allowed', 'share'), more('password', 'denied', 'share')]).toEqual([1, 1]);
    expect([more('free', 'allowed', 'store'), more('free', 'denied', 'store')]).toEqual([1, 1]);
    expect(more('premium', 'denied', 'store')).toBe(1);
    expect(more('api', 'allowed', 'share')).toBe(3);
    expect(after).toContain('spillway_limit_denials_total{policy="free",reason="exhausted"} 1');
    expect(after).toContain('spillway_limit_denials_total{policy="premium",reason="cost-exceeds-capacity"} 1');
    expect(after).toContain('spillway_limit_degraded_decisions_total{policy="free"} 0');
    expect(after).not.toMatch(/somebody|198\.51\.100|nobody/);
  });

  test('counts the requests of the API by route, method and class of status, with their times', async () => {
    const before = await scrape();
    const { code } = await api.create();
    await api.call('GET', `/api/v1/links/${code}`);
    await api.call('GET', '/api/v1/links/nobody');
    await api.call('GET', `/api/v1/links/${code}`, { key: 'no-key-of-anyone-here' });
    await fetch(`${api.url}/api/v1/no-such-route`, { headers: { 'x-api-key': ADMIN_KEY } });
    await fetch(`${api.url}/%zz/broken`);
    const requests = (text: string, method: string, route: string, status: string) =>
      seriesValue(text, `spillway_links_api_requests_total{method="${method}",route="${route}",status="${status}"}`);
    let after = '';
    // An answer is counted when it is sent, and its client may have it just before.
    const more = (method: string, route: string, status: string) =>
      requests(after, method, route, status) - requests(before, method, route, status);
    await until(async () => {
      after = await scrape();
      return more('GET', 'none', '4xx') >= 2 && more('GET', '/api/v1/links/:code', '4xx') >= 2;
    });
    expect(more('POST', '/api/v1/links', '2xx')).toBe(1);
    expect(more('GET', '/api/v1/links/:code', '2xx')).toBe(1);
    expect(more('GET', '/api/v1/links/:code', '4xx')).toBe(2);
    expect(more('GET', 'none', '4xx')).toBe(2);
    const time = 'spillway_links_api_request_duration_seconds';
    const labels = 'method="GET",route="/api/v1/links/:code"';
    const all = seriesValue(after, `${time}_count{${labels}}`);
    expect(all).toBeGreaterThanOrEqual(3);
    expect(seriesValue(after, `${time}_bucket{${labels},le="+Inf"}`)).toBe(all);
    expect(seriesValue(after, `${time}_sum{${labels}}`)).toBeGreaterThan(0);
    expect(after).not.toContain(code);
  });

  test('counts what the tiers of the cache answered, under the name that the packages have for it', async () => {
    const { code } = await api.create();
    const before = await scrape();
    for (let visit = 0; visit < 3; visit += 1) await api.visit(`/${code}`, { 'x-forwarded-for': '198.51.100.9' });
    const after = await scrape();
    const gets = (text: string) =>
      ['l1', 'l2', 'loader', 'stale'].reduce(
        (sum, from) => sum + seriesValue(text, `spillway_cache_gets_total{cache="links",from="${from}"}`),
        0,
      );
    expect(gets(after) - gets(before)).toBe(3);
  });
});
