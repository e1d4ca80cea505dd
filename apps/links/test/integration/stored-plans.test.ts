import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort, temporaryDirectory, until } from '@spillway/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { parseConfig } from '../../src/config.ts';
import { startInstance } from '../../src/instance.ts';
import { createPlanStore, MOST_PLANS } from '../../src/plans/plan-store.ts';
import { openStoredPlans } from '../../src/plans/stored-plans.ts';
import { ADMIN_KEY, type ApiService, CONFIGURATIONS, startApiService } from '../support/api-client.ts';

const hourly = (name: string, limit: number) => ({ strategy: 'fixed-window', name, limit, window: '1h' });

/** Shown with what was left out. */
const shownHourly = (name: string, limit: number) => ({ ...hourly(name, limit), align: 'clock' });

const plansOf = (api: ApiService) => {
  const call = (method: string, name: string, body?: unknown) =>
    api.call(method, `/api/v1/plans${name}`, body === undefined ? {} : { body });
  return {
    call,
    put: (name: string, body: unknown) => call('PUT', `/${name}`, body),
    remove: (name: string) => call('DELETE', `/${name}`),
    list: async () => (await call('GET', '')).body,
    async names() {
      const { data } = (await call('GET', '')).body;
      return data.map(({ name, source }: { name: string; source: string }) => `${name} ${source}`);
    },
    async makeKey(more: object = {}): Promise<{ id: string; key: string }> {
      const body = { name: 'a program', scopes: ['links:read'], ...more };
      return (await api.call('POST', '/api/v1/keys', { body })).body;
    },
    async policyOf(key: string) {
      return (await api.call('GET', '/api/v1/links?limit=1', { key })).headers.get('ratelimit-policy');
    },
  };
};

describe.each(CONFIGURATIONS)('plans in the database, on %s', (configuration) => {
  let api: ApiService;
  beforeAll(async () => {
    api = await startApiService(configuration, { LOG_LEVEL: 'silent' });
  });
  afterEach(async () => {
    const { sql } = api.instance.services.database;
    for (const table of ['plans', 'settings', "api_keys WHERE id <> 'admin'"]) await sql.query(`DELETE FROM ${table}`);
    await api.instance.services.limits.planSource.stored.changed();
  });
  afterAll(async () => {
    await api?.[Symbol.asyncDispose]();
  });

  test('are put, shown, in force at once, and taken away again', async () => {
    const { put, call, remove, names, makeKey, policyOf } = plansOf(api);
    expect(await names()).toEqual(['free shipped', 'premium shipped']);
    const made = await put('team', { policies: [hourly('calls', 7)], shadow: [hourly('tried', 3)] });
    expect(made.status).toBe(201);
    expect(made.body).toEqual({
      name: 'team',
      policies: [shownHourly('calls', 7)],
      shadow: [shownHourly('tried', 3)],
      mode: 'exact',
      default: false,
      source: 'database',
      hides: null,
      updatedAt: expect.any(String),
    });
    expect((await call('GET', '/team')).body).toEqual(made.body);
    expect(await names()).toEqual(['free shipped', 'premium shipped', 'team database']);
    const { id, key } = await makeKey({ plan: 'team' });
    expect(await policyOf(key)).toBe('"calls";q=7;w=3600');

    expect((await put('team', { policies: [hourly('calls', 9)] })).status).toBe(200);
    const answer = await api.call('GET', '/api/v1/links?limit=1', { key });
    expect(answer.headers.get('ratelimit-policy')).toBe('"calls";q=9;w=3600');
    // What was taken stays taken.
    expect(answer.headers.get('ratelimit')).toMatch(/^"calls";r=7;/);
    const used = await remove('team');
    expect([used.status, used.body.detail]).toEqual([
      409,
      '1 key has the plan "team"; give them another with PATCH /api/v1/keys/ID',
    ]);
    await api.call('PATCH', `/api/v1/keys/${id}`, { body: { plan: null } });
    expect((await remove('team')).status).toBe(204);
    expect((await remove('team')).status).toBe(404);
    expect((await call('GET', '/team')).status).toBe(404);
  });

  test('go before a shipped one of their name, which is back without them', async () => {
    const { put, remove, makeKey, policyOf } = plansOf(api);
    const { key } = await makeKey({ plan: 'free' });
    expect(await policyOf(key)).toBe('"free";q=10;w=60');
    expect((await put('free', { policies: [hourly('free', 3)] })).body).toMatchObject({ hides: 'shipped' });
    expect(await policyOf(key)).toBe('"free";q=3;w=3600');
    expect((await remove('free')).status).toBe(204);
    expect(await policyOf(key)).toBe('"free";q=10;w=60');
    const shipped = await remove('free');
    expect([shipped.status, shipped.body.title]).toEqual([409, 'The plan is not in the database']);
  });

  test('may be the default one: every key has it that was given none, until another is, or none', async () => {
    const { put, remove, list, makeKey, policyOf } = plansOf(api);
    const { key } = await makeKey();
    const isDefault = async () =>
      (await list()).data
        .filter((plan: { default: boolean }) => plan.default)
        .map(({ name }: { name: string }) => name);
    expect([await policyOf(key), await isDefault()]).toEqual(['"api";q=1000;w=10', []]);
    await put('small', { policies: [hourly('calls', 5)], default: true });
    expect([await policyOf(key), await isDefault()]).toEqual(['"calls";q=5;w=3600', ['small']]);
    // Left out, it stays what it was.
    await put('small', { policies: [hourly('calls', 6)] });
    expect(await policyOf(key)).toBe('"calls";q=6;w=3600');
    expect((await remove('small')).body.detail).toContain('PUT it with "default": false first');
    await put('large', { policies: [hourly('calls', 50)], default: true });
    expect([await policyOf(key), await isDefault()]).toEqual(['"calls";q=50;w=3600', ['large']]);
    expect((await remove('small')).status).toBe(204);
    await put('large', { policies: [hourly('calls', 50)], default: false });
    expect([await policyOf(key), await isDefault()]).toEqual(['"api";q=1000;w=10', []]);
  });

  test('that are wrong are refused with every fault, and change nothing', async () => {
    const { put, names } = plansOf(api);
    const faults = async (body: unknown, name = 'team') => {
      const answer = await put(name, body);
      expect(answer.status, answer.text).toBe(422);
      return answer.body.errors.map(({ field, message }: { field: string; message: string }) => `${field} ${message}`);
    };
    const wrong = {
      policies: [hourly('calls', 0), { ...hourly('calls', 2.5), window: 'soon' }, 7],
      shadow: [{ ...hourly('calls', 1), strategy: 'leaky' }],
      mode: 'share',
      default: 'yes',
      keys: {},
    };
    expect((await faults(wrong)).toSorted()).toEqual([
      'default must be true or false, got "yes"',
      expect.stringMatching(/^keys is not known here; .* policies, shadow, mode, default$/),
      expect.stringMatching(/^mode must be exact or lease, got "share"$/),
      expect.stringMatching(/^policies\.0\.limit must be an integer from 1 .* got 0$/),
      expect.stringMatching(/^policies\.1\.limit must be an integer .* got 2.5$/),
      expect.stringMatching(/^policies\.1\.window must be a duration .* got "soon"$/),
      'policies.2 must be a policy, got 7',
      expect.stringMatching(/^shadow\.0\.strategy must be one of .* got "leaky"$/),
    ]);
    expect(await faults({})).toEqual(['policies is missing; it must be a list of policies']);
    expect(await faults([])).toEqual(['body must be an object with "policies", got []']);
    expect(await faults({ policies: [] })).toEqual(['policies must hold at least one policy, got none']);
    const twice = { policies: [hourly('calls', 1)], shadow: [hourly('calls', 2)] };
    expect(await faults(twice)).toEqual([
      'policies has two policies "calls"; a name stands once, shadow policies included',
    ]);
    const slots = { strategy: 'concurrency', name: 'slots', limit: 1, lease: '1m' };
    expect(await faults({ policies: [slots] })).toEqual([
      expect.stringMatching(/^policies\.0\.strategy must be one of "token-bucket".* here, got "concurrency"$/),
    ]);
    expect(await faults({ policies: [hourly('calls', 1)] }, '-')).toEqual([
      expect.stringMatching(/^path\.name must be 1 to 64 letters.*got "-"$/),
    ]);
    const { policies: _, ...unlisted } = wrong;
    expect((await faults({ ...unlisted, policies: Array(21).fill(hourly('calls', 1)) }))[0]).toMatch(/at most 20/);
    expect(await names()).toEqual(['free shipped', 'premium shipped']);
  });

  test('are leased where the store gives leases, and refused where it does not', async () => {
    const { put, makeKey } = plansOf(api);
    const body = { policies: [hourly('busy', 10_000)], mode: 'lease' };
    const answer = await put('busy', body);
    if (configuration === 'PostgreSQL') {
      expect(answer.body.errors).toEqual([{ field: 'mode', message: 'must be "exact" with this store, got "lease"' }]);
      return;
    }
    expect(answer.body.mode).toBe('lease');
    const { key } = await makeKey({ plan: 'busy' });
    const before = await api.visit('/metrics');
    for (let call = 0; call < 40; call += 1) await api.call('GET', '/api/v1/links?limit=1', { key });
    const by = async (decidedBy: string, { text } = before) =>
      Number(
        new RegExp(
          `^spillway_limit_decisions_total{policy="plan:busy",outcome="allowed",decided_by="${decidedBy}"} (\\d+)`,
          'm',
        ).exec(text)?.[1] ?? 0,
      );
    const after = await api.visit('/metrics');
    expect((await by('lease', after)) - (await by('lease'))).toBeGreaterThan(20);
    expect(after.text).toMatch(/^spillway_limit_lease_units_held\{policy="busy"\} \d+$/m);
    // By other programs too; and exact, once the plan says so.
    const deciders = async () => {
      const by = new Set<string>();
      for (let call = 0; call < 20; call += 1) {
        const check = await api.call('POST', '/api/v1/limits/check', { body: { plan: 'busy', key: 'ada' } });
        by.add(check.body.decidedBy);
      }
      return [...by];
    };
    expect(await deciders()).toEqual(['store', 'lease']);
    await put('busy', { policies: body.policies });
    expect(await deciders()).toEqual(['store']);
  });

  test('written with SQL are followed, and what is wrong there keeps what was right, and is told', async () => {
    const { list, makeKey, policyOf } = plansOf(api);
    const { sql } = api.instance.services.database;
    const write = (name: string, definition: unknown) =>
      sql.query(
        'INSERT INTO plans (name, definition, updated_at) VALUES ($1, $2, 1) ON CONFLICT (name) DO UPDATE SET definition = excluded.definition',
        [name, typeof definition === 'string' ? definition : JSON.stringify(definition)],
      );
    await write('by-sql', { policies: [hourly('calls', 4)] });
    await until(async () => (await list()).data.length === 3, { timeoutMs: 3_000 });
    const { key } = await makeKey({ plan: 'by-sql' });
    expect(await policyOf(key)).toBe('"calls";q=4;w=3600');
    await write('by-sql', { policies: [hourly('calls', 0)] });
    await write('never-right', '{ "policies"');
    const { wrong } = await until(
      async () => {
        const answer = await list();
        return answer.wrong.length === 2 ? answer : undefined;
      },
      { timeoutMs: 3_000 },
    );
    expect(wrong).toEqual([
      { name: 'by-sql', errors: [{ field: 'policies.0.limit', message: expect.stringContaining('got 0') }] },
      { name: 'never-right', errors: [{ field: 'definition', message: expect.stringContaining('must be JSON') }] },
    ]);
    expect(await policyOf(key)).toBe('"calls";q=4;w=3600');
    expect((await api.visit('/metrics')).text).toContain('spillway_links_plans_wrong{source="database"} 2');
    const ready = (await api.visit('/readyz')).body;
    expect(ready.dependencies).toContainEqual({
      name: 'plans',
      state: 'degraded',
      without: expect.stringContaining('2 of the plans in the database are wrong'),
    });
  });

  test('G7: there are so many at most', async () => {
    const { put } = plansOf(api);
    const store = createPlanStore(api.instance.services.database.sql);
    const definition = JSON.stringify({ policies: [hourly('calls', 1)] });
    for (let i = 0; i < MOST_PLANS; i += 1) {
      expect(await store.put({ name: `plan-${i}`, definition, isDefault: undefined, updatedAtMs: 1 })).toBe('made');
    }
    const full = await put('one-more', { policies: [hourly('calls', 1)] });
    expect([full.status, full.body.title]).toEqual([409, 'There are as many plans as there may be']);
    expect((await put('plan-7', { policies: [hourly('calls', 2)] })).status).toBe(200);
  });

  test('are for those who may make keys', async () => {
    for (const [method, path] of [
      ['GET', ''],
      ['GET', '/free'],
      ['PUT', '/free'],
      ['DELETE', '/free'],
    ] as const) {
      const { key } = await plansOf(api).makeKey({ scopes: ['links:read', 'links:write', 'stats:read'] });
      const body = method === 'PUT' ? { body: {} } : {};
      expect((await api.call(method, `/api/v1/plans${path}`, { key, ...body })).status).toBe(403);
      expect((await api.call(method, `/api/v1/plans${path}`, { key: null, ...body })).status).toBe(401);
    }
  });
});

test('a plan in the database goes before that of a file, also for the keys that the file names, until it is deleted', async () => {
  await using directory = temporaryDirectory({ name: 'plans' });
  const path = join(directory.path, 'plans.json');
  const write = async (content: string) => {
    await writeFile(`${path}.new`, content);
    await rename(`${path}.new`, path);
  };
  const file = { default: 'trial', plans: { trial: { policies: [hourly('calls', 7)] } } };
  await write(JSON.stringify(file));
  await using api = await startApiService('SQLite', { PLANS_FILE: path, LOG_LEVEL: 'silent' });
  const { put, remove, list, names, makeKey, policyOf } = plansOf(api);
  const { key } = await makeKey();
  expect(await policyOf(key)).toBe('"calls";q=7;w=3600');
  expect((await put('trial', { policies: [hourly('calls', 70)] })).body).toMatchObject({
    hides: 'file',
    default: true,
  });
  expect(await policyOf(key)).toBe('"calls";q=70;w=3600');
  await put('paid', { policies: [hourly('calls', 500)] });
  // The file goes on being read.
  await write(JSON.stringify({ ...file, plans: { ...file.plans, extra: file.plans.trial } }));
  await until(async () => (await names()).join() === 'extra file,paid database,trial database', { timeoutMs: 3_000 });
  expect(await policyOf(key)).toBe('"calls";q=70;w=3600');
  expect((await remove('extra')).body.detail).toContain('comes from PLANS_FILE; take it out of that');

  // Nonsense in the file is seen while it is there.
  const readiness = async () => (await api.visit('/readyz')).body;
  const gauge = async () =>
    /^spillway_links_plans_wrong\{source="file"\} (\d)$/m.exec((await api.visit('/metrics')).text)?.[1];
  expect([(await readiness()).status, await gauge()]).toEqual(['ready', '0']);
  await write('{ "default": ');
  const wrong = await until(
    async () => {
      const answer = await list();
      return answer.file === null ? undefined : answer;
    },
    { timeoutMs: 3_000 },
  );
  expect(wrong.file.error).toContain('are no JSON');
  expect(wrong.data).toHaveLength(3);
  expect([(await readiness()).status, await gauge()]).toEqual(['degraded', '1']);
  expect((await readiness()).dependencies).toContainEqual({
    name: 'plans',
    state: 'degraded',
    without: expect.stringContaining('PLANS_FILE is wrong: the last right plans stay in force'),
  });
  await write(JSON.stringify(file));
  await until(async () => (await readiness()).status === 'ready', { timeoutMs: 3_000 });
  expect(await gauge()).toBe('0');
  expect((await remove('trial')).status).toBe(204);
  expect(await policyOf(key)).toBe('"calls";q=7;w=3600');
});

test('a change holds on all instances within a second, told by the bus or read', async () => {
  await using api = await startApiService('PostgreSQL');
  const { put, remove, makeKey } = plansOf(api);
  const { config } = api.instance.services;
  await using directory = temporaryDirectory({ name: 'other' });
  const port = await freePort();
  const { database } = config;
  const settings = parseConfig({
    PORT: String(port),
    DATA_DIR: directory.path,
    ADMIN_KEY,
    SPILLWAY_SECRET: config.secret,
    LOG_LEVEL: 'error',
    ...(database.kind === 'postgres' ? { DATABASE_URL: database.url } : {}),
  });
  const other = await startInstance(settings, {
    name: 'other',
    version: '0.0.0',
    readMetrics: undefined,
    showAdminKey: () => undefined,
  });
  onTestFinished(() => other.stop());
  const { key } = await makeKey();
  const policyThere = async () => {
    const answer = await fetch(`http://localhost:${port}/api/v1/links?limit=1`, { headers: { 'x-api-key': key } });
    return answer.headers.get('ratelimit-policy');
  };
  // Of these, one is only told, the other only reads.
  const { neighbours, log } = other.services;
  const store = createPlanStore(other.services.database.sql);
  const told = await openStoredPlans({ store, bus: neighbours.bus, able: {}, log, everyMs: 3_600_000 });
  const reading = await openStoredPlans({ store, bus: undefined, able: {}, log });
  const limitIn = ({ now }: typeof told) => now.byName.get('team')?.plan.policies[0]?.capacity;
  for (const limit of [5, 6]) {
    await put('team', { policies: [hourly('calls', limit)], default: true });
    await until(async () => (await policyThere()) === `"calls";q=${limit};w=3600`, { timeoutMs: 1_000 });
    await until(() => limitIn(told) === limit, { timeoutMs: 1_000 });
    await until(() => limitIn(reading) === limit, { timeoutMs: 1_000 });
  }
  await put('team', { policies: [hourly('calls', 5)], default: false });
  await remove('team');
  await until(async () => (await policyThere()) === '"api";q=1000;w=10', { timeoutMs: 1_000 });
  await Promise.all([told.close(), reading.close()]);
});
