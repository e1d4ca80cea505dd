import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startPostgres, temporaryDirectory, until } from '@spillway/testkit';
import { describe, expect, test } from 'vitest';
import { configurations, startInstances, startOwnRedis, temporaryDatabase } from '../support/cluster.ts';
import { type Answer, ask, readMetric } from '../support/cluster-client.ts';

const INSTANCES = 3;
/** Nearly nothing comes back while a test runs. */
const hourly = (name: string, capacity: number) => ({
  strategy: 'token-bucket',
  name,
  capacity,
  refill: { tokens: 1, every: '10h' },
});
const allowed = (answers: readonly Answer[]) => answers.filter(({ status }) => status === 200);
const policyOf = ({ headers }: Answer) => String(headers['ratelimit-policy']);

describe.each(configurations)('limits over three instances on $name', (configuration) => {
  const start = async (env: Readonly<Record<string, string>> = {}) => {
    const open = new AsyncDisposableStack();
    const redis = await startOwnRedis(configuration);
    open.defer(async () => redis?.close());
    // Where limits live in PostgreSQL, it is what is broken: then one of the test's own.
    const database = redis === undefined ? open.use(await startPostgres({ fast: true })) : undefined;
    const databaseUrl = database?.url ?? open.use(await temporaryDatabase()).url;
    const store = redis ?? database;
    if (store === undefined) throw new Error('unreachable: limits are in the one or in the other');
    const options = { databaseUrl, redisUrl: redis?.url, count: INSTANCES, env };
    const instances = open.use(await startInstances(options));
    const makeKey = async (more: Record<string, unknown>) => {
      const body = { name: 'a program', scopes: ['links:read', 'limits:check'], ...more };
      const made = await ask<{ id: string; key: string }>(instances.at(0), 'POST', '/api/v1/keys', { body });
      expect(made.status).toBe(201);
      return made.body;
    };
    /** One call after the other to each of them in turn, many at a time. */
    const calls = (key: string, count: number) =>
      Promise.all(
        Array.from({ length: count }, (_, i) =>
          ask(instances.at(i), 'GET', '/api/v1/links?limit=1', { headers: { 'x-api-key': key } }),
        ),
      );
    const check = (i: number, body: unknown) =>
      ask<Record<string, unknown>>(instances.at(i), 'POST', '/api/v1/limits/check', { body });
    return { store, instances, makeKey, calls, check, [Symbol.asyncDispose]: () => open.disposeAsync() };
  };

  test('G2: a key gets what its plan allows, however many instances it asks, and so does a key of another program', async () => {
    await using links = await start();
    const { key } = await links.makeKey({ plan: 'free', limits: [hourly('free', 40)] });
    expect(allowed(await links.calls(key, 120))).toHaveLength(40);
    const body = { policies: [hourly('small', 40), hourly('large', 70)], key: 'somebody' };
    const checks = await Promise.all(Array.from({ length: 120 }, (_, i) => links.check(i, body)));
    expect(checks.filter(({ body: { outcome } }) => outcome === 'allowed')).toHaveLength(40);
    const peeked = await links.check(1, { ...body, action: 'peek' });
    expect(peeked.body.quotas).toMatchObject([
      { policy: 'large', remaining: 30 },
      { policy: 'small', remaining: 0 },
    ]);
  });

  test('a changed plan of a key, and changed plans, hold on every instance within a second', async () => {
    const directory = temporaryDirectory({ name: 'plans' });
    await using _ = { [Symbol.asyncDispose]: async () => directory.close() };
    const path = join(directory.path, 'plans.json');
    const write = async (capacity: number) => {
      const plans = { small: { policies: [hourly('calls', capacity)] }, large: { policies: [hourly('calls', 5_000)] } };
      await writeFile(`${path}.new`, JSON.stringify({ default: 'small', plans }));
      await rename(`${path}.new`, path);
    };
    await write(3_000);
    await using links = await start({ PLANS_FILE: path });
    const { id, key } = await links.makeKey({});
    const policies = async () => (await links.calls(key, INSTANCES)).map(policyOf);
    const heldWithin = async (policy: string, changedMs: number) => {
      await until(async () => (await policies()).every((each) => each.startsWith(policy)), { everyMs: 10 });
      return performance.now() - changedMs;
    };
    expect((await policies()).every((each) => each.startsWith('"calls";q=3000'))).toBe(true);
    const patch = (body: unknown) => ask(links.instances.at(1), 'PATCH', `/api/v1/keys/${id}`, { body });
    let changed = performance.now();
    expect((await patch({ plan: 'large' })).status).toBe(200);
    expect(await heldWithin('"calls";q=5000', changed)).toBeLessThan(1_000);
    changed = performance.now();
    expect((await patch({ limits: [hourly('calls', 6_000)] })).status).toBe(200);
    expect(await heldWithin('"calls";q=6000', changed)).toBeLessThan(1_000);
    await patch({ plan: null, limits: null });
    await heldWithin('"calls";q=3000', 0);
    changed = performance.now();
    await write(4_000);
    expect(await heldWithin('"calls";q=4000', changed)).toBeLessThan(1_000);
  });

  test('G3: with the store stopped the instances together admit no more than the limit, and say that they had to do without', async () => {
    await using links = await start();
    const { store } = links;
    const body = { policy: hourly('mails', 30), key: 'somebody' };
    const { key } = await links.makeKey({ plan: 'free', limits: [hourly('free', 30)] });
    // Shares are by the last known number of instances.
    const known = () => Promise.all(links.instances.all.map((each) => readMetric(each, 'spillway_links_instances')));
    await until(async () => (await known()).every((count) => count === INSTANCES), { timeoutMs: 10_000 });
    store.pause();
    if (configuration.redis === 'on') {
      const answers = await links.calls(key, 90);
      // Ten of thirty are each one's share.
      expect(allowed(answers)).toHaveLength(30);
      expect(answers.filter(({ status }) => status === 429)).toHaveLength(60);
      // A batch that would fit into the limit, but not into a share of it, is not told that it never will.
      const links11 = { links: Array.from({ length: 11 }, () => ({ url: 'https://example.org/' })) };
      const writer = await links.makeKey({ scopes: ['links:write'], plan: 'premium', limits: [hourly('premium', 30)] });
      const headers = { 'x-api-key': writer.key };
      const batch = await ask(links.instances.at(0), 'POST', '/api/v1/links/batch', { body: links11, headers });
      expect([batch.status, batch.headers['retry-after']]).toEqual([503, '5']);
    }
    const checks = await Promise.all(Array.from({ length: 90 }, (_, i) => links.check(i, body)));
    expect(checks.map(({ status }) => status)).toEqual(Array(90).fill(200));
    expect(checks.filter(({ body: { outcome } }) => outcome === 'allowed')).toHaveLength(30);
    for (const { body: decision } of checks) {
      expect(decision).toMatchObject({ degraded: true, decidedBy: 'share', limit: 10 });
    }
    const denied = await links.check(0, { ...body, onStoreError: 'deny' });
    expect(denied.body).toMatchObject({
      outcome: 'denied',
      reason: 'store-unavailable',
      decidedBy: 'store-error-policy',
    });
    const undone = await links.check(0, { ...body, action: 'reset' });
    expect(undone.status).toBe(503);
    store.resume();
    const byStore = async () => (await links.check(0, { ...body, action: 'peek' })).body.decidedBy === 'store';
    await until(byStore, { timeoutMs: 20_000 });
  });
});
