import { setTimeout as sleep } from 'node:timers/promises';
import { type ChildProcessHandle, processUsage, spawnProcess, temporaryDirectory } from '@spillway/testkit';
import pg from 'pg';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';
import { defineBench, inTurns, median, medianRatio } from '../harness.ts';
import { postgresCpuMs } from '../postgres-cpu.ts';
import { startServers } from '../redirects.ts';

const COLUMNS = 'at, link_id, id, visitor, bot, country, browser, system, device, referrer';

export const bench = defineBench({
  name: 'clicks',
  question:
    'How fast do clicks come from the ring to committed rows and roll-ups, and how near is that to a bare COPY?',
  async run({ size, log }) {
    const [count, rounds] = size === 'full' ? [200_000, 5] : [5_000, 1];
    await using servers = await startServers();
    await using directory = temporaryDirectory({ name: 'bench-clicks' });
    const { url, pid } = servers.postgres;
    const service = spawnProcess({
      name: 'click counter',
      module: new URL('../contestants/click-counter.ts', import.meta.url),
      nodeArgs: ['--conditions=spillway-source'],
      env: { DATABASE_URL: url, REDIS_URL: servers.redis.url, SPOOL: directory.path },
      readyWhen: (line) => line === 'ready',
    });
    const pool = new pg.Pool({ connectionString: url, max: 2 });
    let copied: Buffer = Buffer.alloc(0);
    let total = 0;

    const ours = async () => {
      await pool.query('TRUNCATE clicks');
      const before = { service: cpuOf(service), postgres: postgresCpuMs(pid) };
      const ms = await countClicks(service, count);
      total += count;
      const after = { service: cpuOf(service), postgres: postgresCpuMs(pid) };
      await checkCounts(pool, count, total);
      if (copied.length === 0) copied = await readRows(pool);
      const perClick = (cpuMs: number) => (cpuMs * 1_000) / count;
      return {
        perSecond: (count * 1_000) / ms,
        serviceUs: perClick(after.service - before.service),
        postgresUs: perClick(after.postgres - before.postgres),
      };
    };

    const copy = async () => {
      await pool.query('TRUNCATE clicks_copied');
      const before = postgresCpuMs(pid);
      const startedAt = performance.now();
      await writeRows(pool, copied);
      const ms = performance.now() - startedAt;
      const cpuMs = postgresCpuMs(pid) - before;
      const { rows } = await pool.query<{ n: string }>('SELECT count(*) AS n FROM clicks_copied');
      if (Number(rows[0]?.n) !== count) throw new Error(`COPY made ${rows[0]?.n} rows of ${count}`);
      return { perSecond: (count * 1_000) / ms, serviceUs: 0, postgresUs: (cpuMs * 1_000) / count };
    };

    try {
      await service.ready;
      await ours(); // Warm-up, and the rows that COPY takes.
      await makeCopyTable(pool);
      await copy();
      const taken = await inTurns(rounds, { copy, ours });
      for (const round of taken.ours) log(`${Math.round(round.perSecond).toLocaleString('en-US')} clicks/s`);
      const of = (name: 'copy' | 'ours', value: 'perSecond' | 'postgresUs') => taken[name].map((round) => round[value]);
      return {
        figures: [
          {
            contestant: 'COPY into the same table',
            values: {
              'clicks/s': median(of('copy', 'perSecond')),
              'PostgreSQL CPU us/click': median(of('copy', 'postgresUs')),
            },
          },
          {
            contestant: 'ring to rows and roll-ups',
            values: {
              'clicks/s': median(of('ours', 'perSecond')),
              'PostgreSQL CPU us/click': median(of('ours', 'postgresUs')),
              'service CPU us/click': median(taken.ours.map(({ serviceUs }) => serviceUs)),
            },
          },
        ],
        ratios: [
          {
            what: 'clicks/s to rows/s of COPY',
            value: medianRatio(of('ours', 'perSecond'), of('copy', 'perSecond')),
            bar: 0.25,
            beyond: 0.4,
            better: 'higher',
          },
          {
            what: 'PostgreSQL CPU per row of COPY to ours',
            value: medianRatio(of('copy', 'postgresUs'), of('ours', 'postgresUs')),
            better: 'higher',
          },
        ],
        checked: `${total.toLocaleString('en-US')} clicks, each one row; per link and hour, per link, and for the whole service the roll-ups equal a count over the rows.`,
        notes: [
          'One process with event log, spool, Redis Stream and sink; clients, user agents and referrers of a real access log, 5,000 links by a Zipf law. COPY takes the same rows as text, ready made, and writes no roll-ups; the time of its client is not counted as CPU.',
        ],
        chart: 'clicks/s',
      };
    } finally {
      await service.close();
      await pool.end();
    }
  },
});

const cpuOf = (service: ChildProcessHandle): number => {
  const { userMs, systemMs } = processUsage(service.pid);
  return userMs + systemMs;
};

async function countClicks(service: ChildProcessHandle, count: number): Promise<number> {
  const seen = service.stdout.length;
  service.write(`${count}\n`);
  for (;;) {
    const line = service.stdout.slice(seen).find((text) => text.startsWith('counted '));
    if (line !== undefined) return Number(line.split(' ')[1]);
    if (!service.running) throw new Error(`${service.name} ended: ${service.stderr.slice(-5).join('\n')}`);
    await sleep(5);
  }
}

/** @throws {Error} when rows or roll-ups are not what was published: `count` rows since TRUNCATE, `total` in all roll-ups */
async function checkCounts(pool: pg.Pool, count: number, total: number): Promise<void> {
  const { rows } = await pool.query<Record<'rows' | 'hours' | 'totals' | 'service' | 'differing', string>>(`
    SELECT (SELECT count(*) FROM clicks) AS rows,
      (SELECT sum(clicks) FROM click_hours) AS hours,
      (SELECT sum(clicks) FROM click_totals) AS totals,
      (SELECT sum(clicks) FROM click_service_hours) AS service,
      (SELECT count(*) FROM click_totals JOIN
        (SELECT link_id, sum(clicks) AS clicks, sum(bots) AS bots FROM click_hours GROUP BY link_id) AS of_hours
        USING (link_id) WHERE click_totals.clicks <> of_hours.clicks OR click_totals.bots <> of_hours.bots) AS differing`);
  const found = Object.fromEntries(Object.entries(rows[0] ?? {}).map(([name, value]) => [name, Number(value)]));
  const wanted = { rows: count, hours: total, totals: total, service: total, differing: 0 };
  if (JSON.stringify(found) !== JSON.stringify(wanted)) {
    throw new Error(`counted wrongly: ${JSON.stringify(found)} instead of ${JSON.stringify(wanted)}`);
  }
  // Until the first TRUNCATE the rows are all there are, and every link's count can be held against them.
  if (count !== total) return;
  const wrong = await pool.query(`
    SELECT link_id, count(*) AS clicks, sum(bot) AS bots FROM clicks GROUP BY link_id
    EXCEPT SELECT link_id, clicks, bots FROM click_totals`);
  if (wrong.rows.length > 0) throw new Error(`${wrong.rows.length} links have another count than rows`);
}

/** The same columns, partitions and index. */
async function makeCopyTable(pool: pg.Pool): Promise<void> {
  await pool.query('CREATE TABLE clicks_copied (LIKE clicks INCLUDING DEFAULTS) PARTITION BY RANGE (at)');
  await pool.query('CREATE INDEX ON clicks_copied (link_id, at)');
  const { rows } = await pool.query<{ name: string; bound: string }>(`
    SELECT relname AS name, pg_get_expr(relpartbound, pg_class.oid) AS bound FROM pg_inherits
    JOIN pg_class ON pg_class.oid = inhrelid WHERE inhparent = 'clicks'::regclass`);
  for (const { name, bound } of rows)
    await pool.query(`CREATE TABLE ${name}_copied PARTITION OF clicks_copied ${bound}`);
}

/** All rows as COPY writes them, in the order of their time. */
async function readRows(pool: pg.Pool): Promise<Buffer> {
  const client = await pool.connect();
  try {
    const chunks: Buffer[] = [];
    const stream = client.query(copyTo(`COPY (SELECT ${COLUMNS} FROM clicks ORDER BY at, id) TO STDOUT`));
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks);
  } finally {
    client.release();
  }
}

async function writeRows(pool: pg.Pool, rows: Buffer): Promise<void> {
  const client = await pool.connect();
  try {
    const stream = client.query(copyFrom(`COPY clicks_copied (${COLUMNS}) FROM STDIN`));
    await new Promise<void>((resolve, reject) => {
      stream.on('finish', resolve).on('error', reject);
      for (let at = 0; at < rows.length; at += 65_536) stream.write(rows.subarray(at, at + 65_536));
      stream.end();
    });
  } finally {
    client.release();
  }
}
