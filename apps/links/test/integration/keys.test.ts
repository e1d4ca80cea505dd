import { StoreUnavailableError } from '@spillway/kernel';
import { createDatabaseIn, temporaryDirectory, until } from '@spillway/testkit';
import Fastify from 'fastify';
import { describe, expect, inject, test } from 'vitest';
import { parseConfig } from '../../src/config.ts';
import { openMigratedDatabase } from '../../src/foundation/migrated-database.ts';
import { Problem, statusOf } from '../../src/http/problem.ts';
import { createApiKey } from '../../src/keys/api-key.ts';
import { createAuthorize } from '../../src/keys/authorize.ts';
import { createKeyStore } from '../../src/keys/key-store.ts';
import { createKeys } from '../../src/keys/keys.ts';
import { ANONYMOUS, SCOPES } from '../../src/keys/scopes.ts';

/** Keys on a real database, with a clock that stands and a count of what the database was asked. */
async function openKeys(dialect: 'SQLite' | 'PostgreSQL') {
  const open = new AsyncDisposableStack();
  const directory = open.use(temporaryDirectory({ name: 'keys' }));
  const made = dialect === 'SQLite' ? undefined : await createDatabaseIn(inject('postgresUrl'));
  if (made !== undefined) open.defer(() => made.drop());
  const settings = {
    DATA_DIR: directory.path,
    DATABASE_URL: made?.url,
    SPILLWAY_SECRET: 'the-secret-of-the-key-tests',
  };
  const { database, close } = await openMigratedDatabase(parseConfig(settings));
  open.defer(close);
  const store = { ...createKeyStore(database.sql) };
  const asked: string[] = [];
  const time = { ms: Date.UTC(2030, 0) };
  const clock = { nowUs: () => time.ms * 1_000 };
  const keys = createKeys({
    store: {
      ...store,
      byHash(hash) {
        asked.push(hash);
        return store.byHash(hash);
      },
    },
    adminKey: undefined,
    bus: undefined,
    now: () => time.ms,
    clock,
  });
  const neighbour = createKeys({ store, adminKey: undefined, bus: undefined });
  return { keys, neighbour, store, asked, time, [Symbol.asyncDispose]: () => open.disposeAsync() };
}

const newKey = { name: 'a program', scopes: SCOPES, expiresAtMs: undefined };

describe.each(['SQLite', 'PostgreSQL'] as const)('keys on %s', (dialect) => {
  test('a key that is not known is charged before the database is asked; a known one never', async () => {
    await using service = await openKeys(dialect);
    const { keys, asked, time } = service;
    const { key, record } = await keys.create(newKey);
    let charged = 0;
    const charge = () => {
      charged += 1;
    };
    expect((await keys.authenticate(key, charge))?.kind).toBe('key');
    expect([charged, asked.length]).toEqual([1, 1]);
    // Read anew once it is out of date, or has changed, and still not charged: it has been a key.
    time.ms += 10_000;
    expect(await keys.authenticate(key, charge)).toBeDefined();
    expect(await keys.revoke('key_of_nobody')).toBe(false);
    await keys.update(record.id, { plan: 'free' });
    expect(await keys.authenticate(key, charge)).toMatchObject({ plan: 'free' });
    expect([charged, asked.length]).toEqual([1, 3]);
    const refused = keys.authenticate(createApiKey(), () => {
      throw new Error('had its share');
    });
    await expect(refused).rejects.toThrow('had its share');
    expect(asked).toHaveLength(3);
  });

  test('no number of made-up keys makes a real one be forgotten', async () => {
    await using service = await openKeys(dialect);
    const { keys, asked } = service;
    const { key } = await keys.create(newKey);
    await keys.authenticate(key);
    for (let round = 0; round < 110; round += 1) {
      await Promise.all(Array.from({ length: 100 }, (_, i) => keys.authenticate(`made-up-${round}-${i}`)));
    }
    expect(asked).toHaveLength(11_001);
    expect(await keys.authenticate(key)).toBeDefined();
    // The latest of the others are remembered, the first ones no longer.
    await keys.authenticate('made-up-109-99');
    expect(asked).toHaveLength(11_001);
    await keys.authenticate('made-up-0-0');
    expect(asked).toHaveLength(11_002);
  });

  test('a revoked key is told as such at once, and a key that changes keeps what was changed beside', async () => {
    await using service = await openKeys(dialect);
    const { keys } = service;
    const { key, record } = await keys.create(newKey);
    for (let round = 0; round < 20; round += 1) {
      const scopes = round % 2 === 0 ? (['links:read'] as const) : SCOPES;
      await Promise.all([keys.update(record.id, { name: `round ${round}` }), keys.update(record.id, { scopes })]);
      expect(await keys.get(record.id)).toMatchObject({ name: `round ${round}`, scopes });
    }
    const expiresAtMs = Date.UTC(2031, 0);
    expect(await keys.update(record.id, { expiresAtMs })).toMatchObject({ name: 'round 19', expiresAtMs });
    expect((await keys.update(record.id, {}))?.expiresAtMs).toBe(expiresAtMs);
    expect((await keys.update(record.id, { expiresAtMs: undefined }))?.expiresAtMs).toBeUndefined();
    expect(await keys.update('key_of_nobody', { name: 'x' })).toBeUndefined();
    expect(await keys.authenticate(key)).toBeDefined();
    await keys.revoke(record.id);
    expect(await keys.authenticate(key)).toBeUndefined();
  });

  test('what another instance changed is seen within a second, also when nobody tells of it', async () => {
    await using service = await openKeys(dialect);
    const { keys, neighbour, time } = service;
    const { key, record } = await keys.create({ ...newKey, plan: 'free' });
    expect(await keys.authenticate(key)).toMatchObject({ plan: 'free', limits: undefined });
    await neighbour.update(record.id, { plan: 'premium', limits: '[]' });
    time.ms += 900;
    expect(await keys.authenticate(key)).toMatchObject({ plan: 'premium', limits: '[]' });
    await neighbour.revoke(record.id);
    time.ms += 900;
    expect(await keys.authenticate(key)).toBeUndefined();
  });

  test('while the database is away a key that was read is believed in for a day, with less said of it never more', async () => {
    await using service = await openKeys(dialect);
    const { keys, store, time } = service;
    const names = ['known', 'revoked', 'narrowed', 'planned', 'expiring'] as const;
    const made = new Map<string, Awaited<ReturnType<typeof keys.create>>>();
    for (const name of names) {
      const expiresAtMs = name === 'expiring' ? time.ms + 3_600_000 : undefined;
      made.set(name, await keys.create({ ...newKey, expiresAtMs }));
    }
    const of = (name: (typeof names)[number]) => made.get(name) ?? expect.unreachable();
    const believed = async (name: (typeof names)[number]) => keys.authenticate(of(name).key);
    for (const name of names) expect(await believed(name)).toBeDefined();
    await keys.revoke(of('revoked').record.id);
    await keys.update(of('narrowed').record.id, { scopes: ['links:read'] });
    await keys.update(of('planned').record.id, { plan: 'free' });
    const { byHash } = store;
    const away = new StoreUnavailableError('query');
    store.byHash = () => Promise.reject(away);
    expect(await believed('expiring')).toBeDefined();
    for (const hours of [1, 22]) {
      time.ms += hours * 3_600_000;
      expect(await believed('known')).toMatchObject({ id: of('known').record.id });
      expect(await believed('planned')).toMatchObject({ plan: undefined });
      expect(await believed('expiring')).toBeUndefined();
      await expect(believed('revoked')).rejects.toThrow(away);
      await expect(believed('narrowed')).rejects.toThrow(away);
      await expect(keys.authenticate(createApiKey())).rejects.toThrow(away);
    }
    time.ms += 2 * 3_600_000;
    await expect(believed('known')).rejects.toThrow(away);
    store.byHash = byHash;
    expect(await believed('known')).toBeDefined();
    expect(await believed('planned')).toMatchObject({ plan: 'free' });
    expect(await believed('narrowed')).toMatchObject({ scopes: new Set(['links:read']) });
    expect(await believed('revoked')).toBeUndefined();
  });

  test('a revocation that nobody told of is not undone by an outage after it was read', async () => {
    await using service = await openKeys(dialect);
    const { keys, neighbour, store, time } = service;
    const { key, record } = await keys.create(newKey);
    expect(await keys.authenticate(key)).toBeDefined();
    await neighbour.revoke(record.id);
    time.ms += 900;
    expect(await keys.authenticate(key)).toBeUndefined();
    const away = new StoreUnavailableError('query');
    store.byHash = () => Promise.reject(away);
    time.ms += 900;
    await expect(keys.authenticate(key)).rejects.toThrow(away);
  });

  test('a slow database does not keep a revoked key alive: its late answer counts', async () => {
    await using service = await openKeys(dialect);
    const { keys, neighbour, store, time } = service;
    const { key, record } = await keys.create(newKey);
    expect(await keys.authenticate(key)).toBeDefined();
    await neighbour.revoke(record.id);
    const { byHash } = store;
    const late = Promise.withResolvers<void>();
    store.byHash = async (hash) => {
      await late.promise;
      return byHash(hash);
    };
    time.ms += 900;
    // Past the soft timeout of loads, with what was read before.
    expect(await keys.authenticate(key)).toBeDefined();
    late.resolve();
    store.byHash = () => Promise.reject(new StoreUnavailableError('query'));
    await until(async () => (await keys.authenticate(key).catch(() => 'refused')) === 'refused');
  });

  test('made-up keys of a client that has had its share are refused without the database', async () => {
    await using service = await openKeys(dialect);
    const { keys, asked } = service;
    const { key } = await keys.create(newKey);
    const left = new Map<string, number>();
    const authorize = createAuthorize({
      keys,
      charge: () => undefined,
      chargeUnknown: ({ headers }) => {
        const client = String(headers['x-client']);
        const tokens = left.get(client) ?? 2;
        if (tokens === 0) throw new Problem('quota-exceeded', { detail: 'had its share' });
        left.set(client, tokens - 1);
      },
    });
    const app = Fastify();
    app.decorateRequest('caller');
    app.addHook('onRequest', async (request) => {
      request.caller = ANONYMOUS;
    });
    app.setErrorHandler((error, _request, reply) =>
      reply.code(error instanceof Problem ? statusOf(error.kind) : 500).send(),
    );
    app.get('/', { onRequest: authorize('links:read') }, async ({ caller }) => caller.kind);
    const ask = async (client: string, sent: string) =>
      (await app.inject({ url: '/', headers: { 'x-api-key': sent, 'x-client': client } })).statusCode;
    expect(await ask('one', key)).toBe(200);
    const statuses = [];
    for (let i = 0; i < 4; i += 1) statuses.push(await ask('one', createApiKey()));
    expect(statuses).toEqual([401, 429, 429, 429]);
    expect(asked).toHaveLength(2);
    expect(await ask('one', key)).toBe(200);
    expect(await ask('two', createApiKey())).toBe(401);
    await app.close();
  });
});
