import { until } from '@spillway/testkit';
import { expect, test } from 'vitest';
import { startWorkers, type Workers } from '../support/workers.ts';

const KEY = 'admin-key-for-tests-0123';

/** A connection of its own each time, so that the workers take turns. */
const ask = ({ url }: Workers, path: string, init: RequestInit = {}) =>
  fetch(url + path, { redirect: 'manual', ...init, headers: { connection: 'close', ...init.headers } });

/** The figure of one series. */
const figureOf = (text: string, series: string): number => {
  const line = text.split('\n').find((each) => each.startsWith(`${series} `));
  if (line === undefined) throw new Error(`There is no "${series}"`);
  return Number(line.slice(series.length + 1));
};

async function visitOnBoth(service: Workers, path: string, visits: number): Promise<void> {
  const servedBy = new Set<string | null>();
  for (let i = 0; i < visits; i += 1) servedBy.add((await ask(service, path)).headers.get('x-served-by'));
  expect([...servedBy].sort()).toEqual(['pair-w1', 'pair-w2']);
}

test('WORKERS=2: two processes on one port; one that dies is started again; SIGTERM ends all', async () => {
  await using service = await startWorkers();
  await visitOnBoth(service, '/healthz', 4);
  const before = service.workers();
  expect(before).toHaveLength(2);
  const [victim = 0] = before;
  process.kill(victim, 'SIGKILL');
  await until(() => service.workers().length === 2 && !service.workers().includes(victim), { timeoutMs: 20_000 });
  await until(async () => (await ask(service, '/healthz')).status === 200);
  expect(await service.primary.stop()).toEqual({ code: 0, signal: null });
});

test('WORKERS=2: counters, gauges and histograms of all, whichever is asked', async () => {
  await using service = await startWorkers();
  const made = await ask(service, '/api/v1/links', {
    method: 'POST',
    headers: { 'x-api-key': KEY, 'content-type': 'application/json' },
    body: JSON.stringify({ url: 'https://example.com/', alias: 'shared' }),
  });
  expect(made.status).toBe(201);
  await visitOnBoth(service, '/shared', 10);
  await visitOnBoth(service, '/none', 6);
  const presence = async () => figureOf(await (await ask(service, '/metrics')).text(), 'spillway_links_instances');
  await until(async () => (await presence()) === 2);
  const askedBy = new Set<string | null>();
  for (let i = 0; i < 4; i += 1) {
    const answer = await ask(service, '/metrics');
    askedBy.add(answer.headers.get('x-served-by'));
    const text = await answer.text();
    expect(figureOf(text, 'spillway_links_clicks_total{stage="accepted"}')).toBe(10);
    expect(figureOf(text, 'spillway_links_redirect_duration_seconds_count')).toBe(16);
    expect(figureOf(text, 'spillway_links_redirect_duration_seconds_bucket{le="+Inf"}')).toBe(16);
    expect(figureOf(text, 'spillway_links_redirect_duration_seconds_sum')).toBeGreaterThan(0);
    // The link and what is known not to be there, in each of them.
    expect(figureOf(text, 'spillway_links_cache_l1_entries')).toBe(4);
    // Not added up: both see the same.
    expect(figureOf(text, 'spillway_links_instances')).toBe(2);
    expect(figureOf(text, 'spillway_links_dependency_state{dependency="postgres"}')).toBe(2);
    expect(figureOf(text, 'spillway_links_workers{state="answering"}')).toBe(2);
    expect(figureOf(text, 'spillway_links_workers{state="silent"}')).toBe(0);
  }
  expect(askedBy.size).toBe(2);
});

/** All counters and the series of histograms, which never fall while a service lives. */
const countsOf = (text: string): ReadonlyMap<string, number> => {
  const counting = new Set([...text.matchAll(/^# TYPE (\S+) (?:counter|histogram)$/gm)].map(([, name = '']) => name));
  return new Map(
    text.split('\n').flatMap((line): [string, number][] => {
      const [, series = '', name = '', value] = /^((\w+)\S*) (\S+)$/.exec(line) ?? [];
      const counts = counting.has(name) || counting.has(name.replace(/_(bucket|sum|count)$/, ''));
      return counts ? [[series, Number(value)]] : [];
    }),
  );
};

const fallen = (before: ReadonlyMap<string, number>, after: ReadonlyMap<string, number>) =>
  [...before].filter(([series, value]) => (after.get(series) ?? 0) < value).map(([series]) => series);

test('WORKERS=2: no counter and no histogram falls when workers die or hang, and what they counted stays', async () => {
  await using service = await startWorkers();
  const figures = async () => {
    // It may be a connection that nobody will answer any more.
    const read = async () => {
      const answer = await ask(service, '/metrics', { signal: AbortSignal.timeout(5_000) });
      return answer.status === 200 && (await answer.text());
    };
    return until(read, { timeoutMs: 30_000, what: 'the figures' });
  };
  const answering = async () => figureOf(await figures(), 'spillway_links_workers{state="answering"}');
  const visits = (text: string) => figureOf(text, 'spillway_links_redirect_duration_seconds_count');
  await visitOnBoth(service, '/none', 20);
  let before = await figures();
  expect(visits(before)).toBe(20);
  // The second to die takes the place of the first: it has counted nothing yet.
  for (const died of [1, 2]) {
    const [victim = 0] = service.workers();
    process.kill(victim, 'SIGKILL');
    await until(() => !service.workers().includes(victim));
    const meanwhile = await figures();
    expect(fallen(countsOf(before), countsOf(meanwhile)), `while ${died} of them is away`).toEqual([]);
    expect(visits(meanwhile)).toBe(20);
    await until(async () => (await answering()) === 2, { timeoutMs: 20_000 });
    before = await figures();
    expect(fallen(countsOf(meanwhile), countsOf(before))).toEqual([]);
  }
  await visitOnBoth(service, '/none', 6);
  const after = await figures();
  expect(fallen(countsOf(before), countsOf(after))).toEqual([]);
  expect(visits(after)).toBe(26);
  const [hung = 0] = service.workers();
  process.kill(hung, 'SIGSTOP');
  try {
    const meanwhile = await figures();
    expect(figureOf(meanwhile, 'spillway_links_workers{state="silent"}')).toBe(1);
    expect(fallen(countsOf(after), countsOf(meanwhile))).toEqual([]);
  } finally {
    process.kill(hung, 'SIGCONT');
  }
});

test('WORKERS=2: one that hangs does not keep the figures of the other, and is counted as silent', async () => {
  await using service = await startWorkers();
  await visitOnBoth(service, '/healthz', 4);
  const [hung = 0] = service.workers();
  process.kill(hung, 'SIGSTOP');
  try {
    const figures = await until(
      async () => {
        // It may still get a connection that nobody will answer.
        const answer = await ask(service, '/metrics', { signal: AbortSignal.timeout(5_000) });
        return answer.status === 200 && (await answer.text());
      },
      { timeoutMs: 30_000, what: 'the figures of the other' },
    );
    expect(figureOf(figures, 'spillway_links_workers{state="answering"}')).toBe(1);
    expect(figureOf(figures, 'spillway_links_workers{state="silent"}')).toBe(1);
    expect(figures).toContain('spillway_links_api_requests_total{method="GET",route="/healthz",status="2xx"}');
  } finally {
    process.kill(hung, 'SIGCONT');
  }
  const silent = async () =>
    figureOf(await (await ask(service, '/metrics')).text(), 'spillway_links_workers{state="silent"}');
  await until(async () => (await silent()) === 0, { timeoutMs: 20_000 });
});
