import { createDatabaseIn, until } from '@spillway/testkit';
import { describe, expect, inject, test } from 'vitest';
import { openDomains } from '../../src/links/domains.ts';
import { createLinkStore } from '../../src/links/sql-link-store.ts';
import { openDatabase } from '../../src/sql/database.ts';
import { allMigrations } from '../../src/sql/migrations.ts';
import { CONFIGURATIONS, startApiService } from '../support/api-client.ts';

describe.each(CONFIGURATIONS)('links with a number of clicks, on %s', (configuration) => {
  test('one that lost its number while it is still cached with one redirects', async () => {
    await using api = await startApiService(configuration);
    const { code } = await api.create({ maxClicks: 1 });
    expect((await api.visit(`/${code}`)).status).toBe(302);
    expect((await api.visit(`/${code}`)).status).toBe(410);
    // As another instance would have it, whose message has not come yet.
    const { store } = api.instance.services;
    await store.update({ domainId: 1, code }, { maxClicks: undefined }, Date.now());
    expect((await api.visit(`/${code}`)).status).toBe(302);
    expect((await fetch(`${api.url}/${code}`, { method: 'HEAD', redirect: 'manual' })).status).toBe(302);
  });

  test('its use is shown, and for others there is none to show', async () => {
    await using api = await startApiService(configuration);
    const { code, usedClicks } = await api.create({ maxClicks: 3 });
    expect(usedClicks).toBe(0);
    for (let visit = 0; visit < 2; visit += 1) await api.visit(`/${code}`);
    expect((await api.call('GET', `/api/v1/links/${code}`)).body).toMatchObject({ maxClicks: 3, usedClicks: 2 });
    expect(await api.create()).toMatchObject({ maxClicks: null, usedClicks: null });
  });

  test('one with status 301 is kept by no browser: each visit is counted', async () => {
    await using api = await startApiService(configuration);
    const { code } = await api.create({ maxClicks: 2, status: 301 });
    const visit = await api.visit(`/${code}`);
    expect([visit.status, visit.headers.get('cache-control')]).toEqual([301, 'private, no-store']);
  });
});

test('a popular one waits for its row on one connection, and leaves the others to the rest', async () => {
  const { url, drop } = await createDatabaseIn(inject('postgresUrl'));
  const config = { kind: 'postgres', url, pool: 4, timeoutMs: 5_000 } as const;
  const database = await openDatabase({ database: config, dataDir: '' });
  await database.migrate(await allMigrations());
  const store = createLinkStore(database, await openDomains(database.sql, [], 'http://localhost'), 8);
  const atMs = Date.now();
  await database.sql.query(
    `INSERT INTO links (id, domain_id, code, generated, url, status, tags, created_at, updated_at, max_clicks, used_clicks, search)
     VALUES (1, 1, 'popular', 0, 'https://example.com/', 302, '[]', $1, $1, 5, 0, '')`,
    [atMs],
  );
  let letGo = () => {};
  const held = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  let isHeld = false;
  const holder = database.sql.transaction(async (transaction) => {
    await transaction.query('SELECT 1 FROM links WHERE id = 1 FOR UPDATE');
    isHeld = true;
    await held;
  });
  await until(() => isHeld);
  const clicks = Array.from({ length: 20 }, () => store.useClick(1));
  const waiting = async () => {
    const { rows } = await database.reports.query<{ n: number }>(
      "SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
    );
    return rows[0]?.n ?? 0;
  };
  await until(async () => (await waiting()) > 0);
  // Four connections: the holder's, one that waits for the row, and two for everybody else.
  for (let i = 0; i < 20; i += 1) expect(await store.findForRedirect({ domainId: 1, code: 'popular' })).toBeDefined();
  expect(await waiting()).toBe(1);
  letGo();
  await holder;
  const outcomes = await Promise.all(clicks);
  expect(outcomes.filter((outcome) => outcome === 'granted')).toHaveLength(5);
  expect(database.state).toBe('up');
  await database.close();
  await drop();
});
