import pg from 'pg';
import { defineBench } from '../harness.ts';
import { atRate, compare, createLinks, drive, startBare, startLinks, startServers } from '../redirects.ts';

export const bench = defineBench({
  name: 'redirect-cold',
  question: 'What does the first redirect of a link cost, from the database through both tiers?',
  async run({ size }) {
    const [count, rounds] = size === 'full' ? [20_000, 5] : [500, 1];
    await using servers = await startServers();
    await using links = await startLinks(servers);
    await using bare = await startBare('read-through', servers);
    const pool = new pg.Pool({ connectionString: servers.postgres.url, max: 1 });
    try {
      await pool.query('CREATE TABLE bare_links (code text PRIMARY KEY, target text NOT NULL)');
      let batch = 0;
      const freshRows = async (): Promise<string[]> => {
        batch += 1;
        const paths = Array.from({ length: count }, (_, i) => `/cold-${batch}-${i}`);
        await pool.query('INSERT INTO bare_links SELECT code, $2 || code FROM unnest($1::text[]) AS code', [
          paths,
          'https://example.org/bench',
        ]);
        return paths;
      };
      const options = { total: count, clients: 100_000 };
      const driveBare = async (rate?: number) => drive(bare, await freshRows(), { ...options, ...atRate(rate) });
      const driveLinks = async (rate?: number) =>
        drive(links, await createLinks(links, count), { ...options, ...atRate(rate) });
      await driveLinks();
      await driveBare();
      const result = await compare({
        rounds,
        reference: { name: 'bare node:http + GET + prepared SELECT + SET', drive: driveBare },
        ours: { name: 'links', drive: driveLinks },
        bar: 0.7,
        beyond: 0.9,
      });
      return {
        ...result,
        notes: [
          `Each round asks ${count.toLocaleString('en-US')} links once that were made just before; 64 connections. At most 8 look-ups at a time reach PostgreSQL from links (the bulkhead), at most 10 from the reference (its pool).`,
        ],
      };
    } finally {
      await pool.end();
    }
  },
});
