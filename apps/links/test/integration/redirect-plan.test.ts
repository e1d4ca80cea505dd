import { createDatabaseIn } from '@spillway/testkit';
import pg from 'pg';
import { expect, inject, test } from 'vitest';
import { FIND_FOR_REDIRECT } from '../../src/links/find-for-redirect.ts';
import { startEmbedded } from '../support/spillway.ts';

test.each(['analyzed', 'never analyzed'])(
  'PostgreSQL looks codes up in the index, by a plan made while the table had few rows (%s)',
  async (statistics) => {
    const database = await createDatabaseIn(inject('postgresUrl'));
    await using _ = await startEmbedded({ DATABASE_URL: database.url, SPILLWAY_SECRET: 'a-secret-for-these-tests' });
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    try {
      await client.query(`INSERT INTO links (id, domain_id, code, generated, url, search, tags, status, used_clicks, created_at, updated_at)
        SELECT n, 1, 'code' || n, 1, 'https://example.org/', '', '[]', 302, 0, 0, 0 FROM generate_series(1000000, 1000499) AS n`);
      if (statistics === 'analyzed') await client.query('ANALYZE links');
      await client.query("SET plan_cache_mode = 'force_generic_plan'");
      await client.query(`PREPARE look (int, json) AS ${FIND_FOR_REDIRECT.postgres}`);
      const { rows } = await client.query(`EXPLAIN EXECUTE look (1, '["code1000001", "none"]')`);
      const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
      expect(plan).toMatch(/Index (Only )?Scan using \w+ on links/);
      expect(plan).toMatch(/Index Cond: .*code/);
      expect(plan).not.toContain('Seq Scan on links');
      const found = await client.query(`EXECUTE look (1, '["code1000001", "none"]')`);
      expect(found.rows.map(({ code }) => code)).toEqual(['code1000001']);
    } finally {
      await client.end();
      await database.drop();
    }
  },
);
