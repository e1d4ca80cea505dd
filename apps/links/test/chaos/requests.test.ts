import { seededRandom } from '@spillway/kernel';
import { checkCounts, openLoad, startPostgres, until } from '@spillway/testkit';
import { describe, expect, test } from 'vitest';
import { createClientHash } from '../support/client-hash.ts';
import {
  ADMIN_KEY,
  configurations,
  type Instance,
  type Instances,
  SECRET,
  SEED,
  startInstances,
  startOwnRedis,
} from '../support/cluster.ts';
import { ask, create, readMetric } from '../support/cluster-client.ts';
import { postgresFaults, redisFaults, shake } from '../support/faults.ts';
import { startEmbedded } from '../support/spillway.ts';
import { spoolsLeft } from '../support/spools.ts';

interface Offender {
  readonly subject: string;
  readonly requests: number;
  readonly limited: number;
}

const METRIC = 'spillway_links_requests';

describe.each(configurations)(`the log of requests, $name (SPILLWAY_SEED=${SEED})`, (configuration) => {
  test('G6: Redis and PostgreSQL forget, die and hang and instances get SIGTERM: every request that was answered is in the log, once', async () => {
    await using postgres = await startPostgres({ fast: true });
    await using redis = await startOwnRedis(configuration);
    const env = { LIMIT_REDIRECT: '1/h burst 50', REQUESTS_SAMPLE: '1' };
    await using instances = await startInstances({ databaseUrl: postgres.url, redisUrl: redis?.url, env });
    const { code } = (await create(instances.at(0), { url: 'https://example.org/', alias: 'asked' })).body;
    for (const instance of instances.all) await ask(instance, 'HEAD', `/${code}`);
    const random = seededRandom(SEED);
    const total = 4_000;
    await using load = openLoad({
      url: instances.all.map(({ url }) => url),
      // Redirects are limited by client, and calls that need no database end in 401: both are answered whatever is away.
      requests: [
        { path: `/${code}`, headers: { 'X-Forwarded-For': '203.0.113.9' } },
        { path: '/api/v1/stats', headers: { 'X-Forwarded-For': '203.0.113.10' } },
        { path: '/api/v1/stats', headers: { 'X-Forwarded-For': '203.0.113.11', 'X-Api-Key': ADMIN_KEY } },
      ],
      connections: 24,
      rate: 400,
      total,
    });
    const progress = () => load.progress.sent / total;
    await redis?.saveSnapshot();
    const faults = [...postgresFaults(postgres), ...(redis === undefined ? [] : redisFaults(redis))];
    const stopOne = async () => {
      await until(() => progress() > 0.2 + random() * 0.5, { timeoutMs: 120_000, what: 'the load to go on' });
      expect(await instances.at(2).stop()).toEqual({ code: 0, signal: null });
      // It does not start without PostgreSQL.
      await until(
        () =>
          instances
            .at(2)
            .start()
            .then(() => true),
        { timeoutMs: 60_000, what: 'a successor' },
      );
    };
    await Promise.all([shake(faults, { progress, random }), stopOne()]);
    const report = await load.done;
    await allRecorded(instances);

    const answered = Object.values(report.statuses).reduce((sum, count) => sum + count, 0);
    const unanswered = Object.values(report.errors).reduce((sum, count) => sum + count, 0);
    const hashOf = createClientHash(SECRET);
    const own = [9, 10, 11].map((host) => hashOf(`203.0.113.${host}`));
    const ofLoad = (await offenders(instances.at(0))).filter(({ subject }) => own.includes(subject));
    const recorded = ofLoad.reduce((sum, { requests }) => sum + requests, 0);
    // One that was cut off may have been answered nonetheless.
    expect(recorded, JSON.stringify(report)).toBeGreaterThanOrEqual(answered);
    expect(recorded).toBeLessThanOrEqual(answered + unanswered);
    const limited = ofLoad.reduce((sum, each) => sum + each.limited, 0);
    expect(limited).toBeGreaterThanOrEqual(report.statuses[429] ?? 0);
    expect(limited).toBeLessThanOrEqual((report.statuses[429] ?? 0) + unanswered);
    expect(report.statuses[429]).toBeGreaterThan(0);
    expect(report.statuses[200]).toBeGreaterThan(0);
    // Rows and roll-ups agree, client by client. A call that its client gave up is recorded when it ends.
    const [visitor = '', nobody = '', admin = ''] = own;
    const agree = async (client: string, filter: string) => {
      const { requests } = (await offenders(instances.at(0))).find(({ subject }) => subject === client) ?? {};
      return requests === (await countRows(instances.at(0), `client=${client}${filter}`));
    };
    for (const [client, filter] of [
      [visitor, '&route=/:code'],
      [nobody, '&outcome=unauthorized'],
      [admin, '&key=admin'],
    ] as const) {
      await until(() => agree(client, filter), { timeoutMs: 60_000, what: `rows and roll-ups of ${client} to agree` });
    }
    expect(checkCounts(await ownCounts(instances))).toEqual([]);
  });
});

/** Waits until nothing is under way any more: every spool, also those of dead processes, is counted. */
async function allRecorded(instances: Instances): Promise<void> {
  for (const instance of instances.all) instance.assertAlive();
  await until(
    async () => {
      const pending = await Promise.all(instances.all.map((instance) => readMetric(instance, `${METRIC}_pending`)));
      return pending.every((count) => count === 0) && (await spoolsLeft(instances, 'requests')) === 0;
    },
    { timeoutMs: 60_000, everyMs: 50, what: 'every request to be in the log' },
  );
}

async function offenders(instance: Instance): Promise<readonly Offender[]> {
  const path = '/api/v1/requests/offenders?by=client&limit=1000';
  const { status, body } = await ask<{ mostRequests: readonly Offender[] }>(instance, 'GET', path);
  expect(status).toBe(200);
  return body.mostRequests;
}

async function countRows(instance: Instance, filter: string): Promise<number> {
  let [rows, cursor]: [number, string | null] = [0, ''];
  while (cursor !== null) {
    const path: string = `/api/v1/requests?limit=1000&${filter}${cursor === '' ? '' : `&cursor=${cursor}`}`;
    type Page = { data: readonly unknown[]; nextCursor: string | null };
    const { body } = await ask<Page>(instance, 'GET', path);
    rows += body.data.length;
    cursor = body.nextCursor;
  }
  return rows;
}

async function ownCounts({ all }: Instances) {
  const each = all.map(async (instance) => {
    const [accepted, counted, pending, dropped] = await Promise.all([
      readMetric(instance, `${METRIC}_total`, '{stage="accepted"}'),
      readMetric(instance, `${METRIC}_total`, '{stage="counted"}'),
      readMetric(instance, `${METRIC}_pending`),
      readMetric(instance, `${METRIC}_dropped_total`),
    ]);
    return [instance.name, { accepted, counted, pending, dropped: { all: dropped } }] as const;
  });
  return Object.fromEntries(await Promise.all(each));
}

test('G6: embedded, SIGTERM right after the last answer loses no request', async () => {
  await using service = await startEmbedded({ TRUSTED_PROXIES: 'loopback', SPILLWAY_SECRET: SECRET });
  const asked = 300;
  const headers = { 'x-forwarded-for': '203.0.113.9', 'x-api-key': service.adminKey };
  const ask = (path: string, from = headers) => fetch(`${service.url}/api/v1/${path}`, { headers: from });
  for (let n = 0; n < asked; n += 1) expect((await ask('stats')).status).toBe(200);
  await service.restart();
  const client = createClientHash(SECRET)('203.0.113.9');
  // From elsewhere, so that the question does not count among the answers.
  const answer = await ask(`requests?client=${client}&limit=1000`, { ...headers, 'x-forwarded-for': '203.0.113.10' });
  const { data } = (await answer.json()) as { data: readonly { status: number; key: string }[] };
  expect(data).toHaveLength(asked);
  expect(new Set(data.map(({ key, status }) => `${key} ${status}`))).toEqual(new Set(['admin 200']));
});
