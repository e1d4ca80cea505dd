// The service's side of the benchmark `clicks`: event log, Redis Stream and sink of one process. Each line of stdin is a number of
// clicks to take from the ring to committed rows, and is answered by a line with the milliseconds that took.
import { createInterface } from 'node:readline';
import { createEventLog, createSink } from '@spillway/events';
import { redisTransport } from '@spillway/events/redis';
import { sqlWatermarks } from '@spillway/events/sql';
import { seededRandom } from '@spillway/kernel';
import { connectRedis } from '@spillway/redis';
import { accessLog, zipf } from '@spillway/testkit';
import type { Click, Visit } from '../../../apps/links/src/clicks/click.ts';
import { clickCodec, createVisitEncoder } from '../../../apps/links/src/clicks/click-codec.ts';
import { openCountries } from '../../../apps/links/src/clicks/countries.ts';
import { createIdentify } from '../../../apps/links/src/clicks/identify.ts';
import { createClickWriter } from '../../../apps/links/src/clicks/write-clicks.ts';
import { allMigrations } from '../../../apps/links/src/sql/migrations.ts';
import { openPostgres } from '../../../apps/links/src/sql/postgres/postgres-database.ts';

/** Published at a time; well below the ring's bound. */
const BURST = 4_000;
const LINKS = 5_000;

const { DATABASE_URL: url = '', REDIS_URL = '', SPOOL = '' } = process.env;
const database = openPostgres({ kind: 'postgres', url, pool: 4, timeoutMs: 30_000 });
await database.migrate(await allMigrations());
const link = connectRedis({ url: REDIS_URL });
await link.ready();
const name = 'clicks';
const transport = redisTransport({ link, stream: name });
const { sql } = database;
const identify = createIdentify({ secret: 'a-secret-for-benchmarks-only', countries: openCountries('packaged') });
const events = await createEventLog<Visit>({
  name,
  producer: 'bench',
  transport,
  watermarks: sqlWatermarks({ sql, name }),
  spool: { directory: SPOOL },
  encode: createVisitEncoder(identify),
});
const sink = createSink<Click>({
  name,
  sql,
  transport,
  write: createClickWriter({ dialect: sql.dialect }),
  consumer: 'bench',
  encode: clickCodec.encode,
  decode: clickCodec.decode,
});

// Real clients, browsers and referrers; links by a Zipf law.
const entries = await accessLog();
const linkOf = zipf(LINKS, seededRandom(1));
const visits = Array.from({ length: 50_000 }, (_, at): Visit => {
  const { ip = '', userAgent, referrer } = entries[at % entries.length] ?? {};
  return { linkId: linkOf() + 1, atMs: 0, ip, userAgent, referrer };
});
let taken = 0;
console.log('ready');

async function count(total: number): Promise<number> {
  const startedAt = performance.now();
  for (let left = total; left > 0; left -= BURST) {
    const { pending, ring } = events.stats();
    // As fast as the ring lets through, and a spool that stays in memory's reach: the sink is the bottleneck, as it should.
    if (ring.events > ring.max / 2 || pending > 100_000) {
      left += BURST;
      await new Promise((resolve) => setTimeout(resolve, 5));
      continue;
    }
    const atMs = Date.now();
    for (let i = Math.min(BURST, left); i > 0; i -= 1) {
      const visit = visits[taken++ % visits.length] as Visit;
      if (!events.publish({ ...visit, atMs })) throw new Error('a click was dropped');
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  await events.flush({ timeout: '120s' });
  return performance.now() - startedAt;
}

for await (const line of createInterface({ input: process.stdin })) {
  if (line !== '') console.log(`counted ${await count(Number(line))}`);
}
await events.close();
await sink.close();
await transport.close();
await link.close();
await database.close();
