import { createDatabaseIn, temporaryDirectory } from '@spillway/testkit';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { openDomains } from '../../src/links/domains.ts';
import { openDatabase } from '../../src/sql/database.ts';
import { allMigrations } from '../../src/sql/migrations.ts';
import { type ApiService, CONFIGURATIONS, startApiService } from '../support/api-client.ts';
import { rawRequest, sendRaw } from '../support/raw-http.ts';

describe.each(CONFIGURATIONS)('DOMAINS on %s', (configuration) => {
  let api: ApiService;
  beforeAll(async () => {
    api = await startApiService(configuration, {
      DOMAINS: 'go.example, short.example:8443',
      PUBLIC_URL: 'https://links.example',
      ALLOW_PRIVATE_TARGETS: 'true',
    });
  });
  afterAll(async () => {
    await api?.[Symbol.asyncDispose]();
  });
  /** Fetch writes its own Host, so this one goes by hand. */
  const visit = async (host: string, code: string) => {
    const { status, head } = await sendRaw(api.instance.port, rawRequest(`GET /${code}`, { Host: host }));
    return { status, location: /^location: (.*)$/im.exec(head)?.[1] };
  };
  const refusal = async (body: object) => {
    const answer = await api.call('POST', '/api/v1/links', { body });
    return { status: answer.status, fields: answer.body.errors?.map(({ field }: { field: string }) => field) };
  };

  test('one alias leads elsewhere on each domain, and nowhere from the others', async () => {
    const alias = 'spring';
    const made = [
      await api.create({ url: 'https://example.com/default', alias }),
      await api.create({ url: 'https://example.com/go', alias, domain: 'go.example' }),
    ];
    expect(made.map(({ shortUrl, domain }) => [shortUrl, domain])).toEqual([
      ['https://links.example/spring', 'links.example'],
      ['https://go.example/spring', 'go.example'],
    ]);
    expect(await visit('links.example', alias)).toEqual({ status: 302, location: 'https://example.com/default' });
    expect(await visit('GO.example', alias)).toEqual({ status: 302, location: 'https://example.com/go' });
    expect((await visit('short.example:8443', alias)).status).toBe(404);
    // Hosts that are nobody's by name, such as an address, are the default domain's.
    expect(await visit('192.0.2.1', alias)).toEqual({ status: 302, location: 'https://example.com/default' });
    expect(await refusal({ url: 'https://example.com/', alias, domain: 'go.example' })).toMatchObject({ status: 409 });
  });

  test('where a whole URL is asked for, its host counts and not the header', async () => {
    const { code } = await api.create({ url: 'https://example.com/whole', domain: 'go.example' });
    const ask = (target: string, host: string) =>
      sendRaw(api.instance.port, rawRequest(`GET ${target}`, { Host: host }));
    expect((await ask(`http://go.example/${code}`, 'links.example')).status).toBe(302);
    expect((await ask(`http://links.example/${code}`, 'go.example')).status).toBe(404);
  });

  test('a generated code lives on its own domain alone', async () => {
    const { code, shortUrl } = await api.create({ domain: 'short.example:8443' });
    expect(shortUrl).toBe(`https://short.example:8443/${code}`);
    expect((await visit('short.example:8443', code)).status).toBe(302);
    expect((await visit('go.example', code)).status).toBe(404);
    expect((await visit('links.example', code)).status).toBe(404);
  });

  test('the API finds, changes and deletes a link by its domain', async () => {
    const alias = 'autumn';
    await api.create({ url: 'https://example.com/default', alias });
    await api.create({ url: 'https://example.com/go', alias, domain: 'go.example' });
    const path = `/api/v1/links/${alias}?domain=go.example`;
    expect((await api.call('GET', path)).body).toMatchObject({ url: 'https://example.com/go', domain: 'go.example' });
    const changed = await api.call('PATCH', path, { body: { url: 'https://example.com/new' } });
    expect(changed.body.url).toBe('https://example.com/new');
    expect(await visit('go.example', alias)).toEqual({ status: 302, location: 'https://example.com/new' });
    expect(await visit('links.example', alias)).toEqual({ status: 302, location: 'https://example.com/default' });
    expect((await api.call('DELETE', path)).status).toBe(204);
    expect((await visit('go.example', alias)).status).toBe(404);
    expect((await visit('links.example', alias)).status).toBe(302);
  });

  test('no link leads back to any of the hosts, and others on the same machine are free', async () => {
    const { port } = api.instance;
    for (const host of [
      'links.example',
      'links.example:443',
      'LINKS.example.',
      'go.example',
      'go.example:8080',
      'short.example:8443',
      `localhost:${port}`,
      `127.0.0.1:${port}`,
      `[::1]:${port}`,
    ]) {
      expect(await refusal({ url: `https://${host}/x` }), host).toEqual({ status: 422, fields: ['url'] });
    }
    expect(await refusal({ url: `http://[0:0:0:0:0:0:0:1]:${port}/x` })).toEqual({ status: 422, fields: ['url'] });
    // Greek and Cyrillic letters, a digit: what is read as one of them.
    for (const host of ['links.exam\u03c1le', 'g\u043e.example', 'sh0rt.example', 'www.g\u043e.example:8443']) {
      expect(await refusal({ url: `https://${host}/x` }), host).toEqual({ status: 422, fields: ['url'] });
    }
    for (const host of ['short.example', 'short.example:9000', `[::1]:${port + 1}`, 'other.example']) {
      expect((await refusal({ url: `https://${host}/x` })).status, host).toBe(201);
    }
  });
});

describe.each(['sqlite', 'postgres'] as const)('domains in the table, on %s', (dialect) => {
  test('those that start at once with new hosts agree on them, and a host dropped from DOMAINS stays', async () => {
    await using directory = temporaryDirectory({ name: 'domains' });
    const made = dialect === 'postgres' ? await createDatabaseIn(inject('postgresUrl')) : undefined;
    const database = await openDatabase({
      dataDir: directory.path,
      database:
        made === undefined ? { kind: 'sqlite' } : { kind: 'postgres', url: made.url, pool: 10, timeoutMs: 10_000 },
    });
    await database.migrate(await allMigrations());
    const start = (hosts: readonly string[]) => openDomains(database.sql, hosts, 'http://localhost:8080');
    for (let round = 0; round < 10; round += 1) {
      const hosts = [`a${round}.example`, `b${round}.example`];
      const seen = await Promise.all(
        Array.from({ length: 10 }, (_, i) => start(i % 2 === 0 ? hosts : hosts.toReversed())),
      );
      for (const { byHost } of seen) {
        for (const host of hosts) expect(byHost.get(host)).toBe(seen[0]?.byHost.get(host));
      }
    }
    const { byHost } = await start([]);
    // Ten rounds of two, and the default.
    expect(byHost.size).toBe(21);
    expect(new Set(byHost.values()).size).toBe(21);
    await database.close();
    await made?.drop();
  });
});

test('a host dropped from DOMAINS still serves its links, and so is no target', async () => {
  await using directory = temporaryDirectory({ name: 'dropped-domain' });
  const env = { DATA_DIR: directory.path, SPILLWAY_SECRET: 'the-secret-of-the-api-tests' };
  const before = await startApiService('SQLite', { ...env, DOMAINS: 'old.example' });
  await before.create({ alias: 'kept', domain: 'old.example' });
  await before.instance.stop();
  await using after = await startApiService('SQLite', env);
  const raw = await sendRaw(after.instance.port, rawRequest('GET /kept', { Host: 'old.example' }));
  expect(raw.status).toBe(302);
  const loop = await after.call('POST', '/api/v1/links', { body: { url: 'https://old.example/kept' } });
  expect(loop.status).toBe(422);
});
