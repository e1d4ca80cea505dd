import { spawnProcess, until } from '@spillway/testkit';
import { expect, test } from 'vitest';
import { readStats } from '../support/clicks.ts';
import { ADMIN_KEY, configurations, startInstances, startOwnRedis, temporaryDatabase } from '../support/cluster.ts';
import { ask, create, readMetric, visit } from '../support/cluster-client.ts';
import { COMMAND } from '../support/spillway.ts';

test.each(configurations)(
  'G6: with ROLE=web clicks and requests wait for "spillway worker", which counts them, one worker after the other ($name)',
  async (configuration) => {
    await using database = await temporaryDatabase();
    await using redis = await startOwnRedis(configuration);
    const env = { ROLE: 'web', LIMIT_REDIRECT: 'off', REQUESTS_SAMPLE: '1' };
    await using instances = await startInstances({ databaseUrl: database.url, redisUrl: redis?.url, count: 2, env });
    const { code } = (await create(instances.at(0), { url: 'https://example.org/' })).body;
    const visitAll = async () => {
      for (let i = 0; i < 100; i += 1) expect((await visit(instances.at(i), code, `10.0.0.${i}`)).status).toBe(302);
    };
    const counted = async () => (await readStats(instances.at(0), new URLSearchParams(), code)).totals.clicks;
    const recorded = async () => {
      type Offenders = { mostRequests: readonly { requests: number }[] };
      const path = '/api/v1/requests/offenders?by=client&route=/:code&limit=1000';
      const { mostRequests } = (await ask<Offenders>(instances.at(0), 'GET', path)).body;
      return mostRequests.reduce((sum, { requests }) => sum + requests, 0);
    };
    const startWorker = async () => {
      const worker = spawnProcess({
        name: 'spillway worker',
        module: COMMAND,
        args: ['worker'],
        env: {
          DATABASE_URL: database.url,
          REDIS_URL: redis?.url ?? '',
          SPILLWAY_SECRET: 'the-secret-of-the-chaos-tests',
          ADMIN_KEY,
          DATA_DIR: instances.dataDir,
          LOG_LEVEL: 'warn',
        },
        readyWhen: (line) => line.includes('worker is ready'),
      });
      await worker.ready;
      return worker;
    };

    await visitAll();
    // The instances have no sink: its figures are not even there.
    for (const instance of instances.all) {
      const { body } = await ask<string>(instance, 'GET', '/metrics');
      expect(body).not.toContain('spillway_links_sink_events_total{');
    }
    expect([await counted(), await recorded()]).toEqual([0, 0]);
    const first = await startWorker();
    await until(async () => (await counted()) === 100, { timeoutMs: 30_000, what: 'the first hundred' });
    // As the terminal does that it was started from, when it closes.
    first.signal('SIGHUP');
    expect(await first.exited).toEqual({ code: 0, signal: null });

    await visitAll();
    const killed = await startWorker();
    await killed.kill();
    await using _last = await startWorker();
    await until(async () => (await counted()) >= 200, { timeoutMs: 60_000, what: 'the second hundred' });
    const pending = async () => {
      const each = instances.all.map((instance) => readMetric(instance, 'spillway_links_clicks_pending'));
      return (await Promise.all(each)).reduce((sum, count) => sum + count, 0);
    };
    await until(async () => (await pending()) === 0, { timeoutMs: 30_000, what: 'empty spools' });
    expect(await counted()).toBe(200);
    await until(async () => (await recorded()) >= 200, {
      timeoutMs: 30_000,
      what: 'every redirect in the log of requests',
    });
    expect(await recorded()).toBe(200);
    // Workers redirect nothing, so that the limits are not shared with them.
    for (const instance of instances.all) expect(await readMetric(instance, 'spillway_links_instances')).toBe(2);
  },
);
