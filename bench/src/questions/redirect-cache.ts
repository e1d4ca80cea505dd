import pg from 'pg';
import { defineBench, type Figure } from '../harness.ts';
import { createLinks, drive, startLinks, startServers } from '../redirects.ts';

const TIERS = [
  { name: 'L1, L2 and database', env: {} },
  { name: 'L2 and database', env: { CACHE_L1: 'off' } },
  { name: 'database alone', env: { CACHE_L1: 'off', CACHE_L2: 'off' } },
] as const;

export const bench = defineBench({
  name: 'redirect-cache',
  question: 'What does each cache tier save, for 5,000 links of which few are popular?',
  async run({ size, log }) {
    const [count, total, rate] = size === 'full' ? [5_000, 60_000, 4_000] : [200, 500, 500];
    const figures: Figure[] = [];
    for (const { name, env } of TIERS) {
      await using servers = await startServers();
      await using links = await startLinks(servers, env);
      const paths = await createLinks(links, count);
      const pool = new pg.Pool({ connectionString: servers.postgres.url, max: 1 });
      // Statements run one by one outside transactions: each is a commit.
      const commits = async () => {
        const { rows } = await pool.query<{ n: string }>(
          'SELECT xact_commit AS n FROM pg_stat_database WHERE datname = current_database()',
        );
        return Number(rows[0]?.n);
      };
      const warm = await drive(links, paths, { total: total / 4, rate, order: 'zipf', clients: 100_000 });
      const before = await commits();
      const { report, cpuUs } = await drive(links, paths, { total, rate, order: 'zipf', clients: 100_000 });
      // PostgreSQL reports its counts at most once a second, and a backend when it is idle.
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      const queries = (await commits()) - before;
      await pool.end();
      log(`${name}: p50 ${report.latency.p50Ms.toFixed(2)} ms, ${queries} queries (${warm.report.answered} warmed up)`);
      figures.push({
        contestant: name,
        values: {
          'p50 ms': report.latency.p50Ms,
          'p99 ms': report.latency.p99Ms,
          'CPU us/request': cpuUs,
          'database queries per 1,000 redirects': (queries * 1_000) / report.answered,
        },
      });
    }
    return {
      figures,
      ratios: [],
      checked: `${total.toLocaleString('en-US')} answers for each, every one a 302.`,
      notes: [
        `Open loop at ${rate.toLocaleString('en-US')} redirects a second, targets drawn by a Zipf law (exponent 1); queries are commits that PostgreSQL counted, those of the watermark and the heartbeat included.`,
      ],
      chart: 'database queries per 1,000 redirects',
    };
  },
});
