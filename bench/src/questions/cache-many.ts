import { createCache } from '@spillway/cache';
import { redisCacheStore } from '@spillway/cache/redis';
import { connectRedis } from '@spillway/redis';
import { startPostgres, startRedis, until } from '@spillway/testkit';
import pg from 'pg';
import { defineBench, inTurns, median, medianRatio } from '../harness.ts';

const AT_ONCE = 100;

interface Row {
  readonly id: string;
  readonly text: string;
}

interface Round {
  readonly perSecond: number;
  readonly cpuUs: number;
  readonly queries: number;
}

export const bench = defineBench({
  name: 'cache-many',
  question: 'What does getMany save for 100 keys at once, half of them neither in this process nor in Redis?',
  async run({ size }) {
    const [rounds, calls] = size === 'full' ? [7, 40] : [1, 3];
    const [redis, postgres] = await Promise.all([startRedis(), startPostgres()]);
    const link = connectRedis({ url: redis.url, deadline: '5s' });
    const pool = new pg.Pool({ connectionString: postgres.url, max: 10 });
    const cache = createCache<Row>({ name: 'bench', ttl: '1h', l1: 'off', l2: redisCacheStore({ link }) });
    let queries = 0;
    const select = async (name: string, where: string, value: unknown): Promise<readonly Row[]> => {
      queries += 1;
      const text = `SELECT id, text FROM rows WHERE id ${where}`;
      return (await pool.query<Row>({ name, text, values: [value] })).rows;
    };
    const load = async (id: string) => (await select('one', '= $1', id))[0];
    const loadMany = async (ids: readonly string[]) =>
      new Map((await select('many', '= ANY($1)', ids)).map((row) => [row.id, row]));
    try {
      await link.ready({ timeout: '20s' });
      const cold = 3 * (rounds + 1) * calls * (AT_ONCE / 2);
      await pool.query('CREATE TABLE rows (id text PRIMARY KEY, text text NOT NULL)');
      await pool.query(
        `INSERT INTO rows SELECT kind || ':' || i, rpad(kind || ':' || i, 900, 'x')
           FROM (SELECT 'warm' AS kind, generate_series(0, 999) AS i UNION ALL SELECT 'cold', generate_series(0, $1)) AS ids`,
        [cold - 1],
      );
      await pool.query('ANALYZE rows');
      const warm = Array.from({ length: 1_000 }, (_, i) => `warm:${i}`);
      await until(async () => {
        const { loader } = cache.stats().answers;
        for (let i = 0; i < warm.length; i += AT_ONCE) await cache.getMany(warm.slice(i, i + AT_ONCE), loadMany);
        return cache.stats().answers.loader === loader;
      });
      let next = 0;
      /** 50 keys that are in Redis, and 50 that were never asked for, in turns. */
      const nextKeys = (): string[] => {
        const keys: string[] = [];
        for (let i = 0; i < AT_ONCE / 2; i += 1)
          keys.push(warm[(next * 7 + i) % warm.length] as string, `cold:${next + i}`);
        next += AT_ONCE / 2;
        return keys;
      };
      const drive = (ask: (keys: readonly string[]) => Promise<readonly (Row | undefined)[]>) => async () => {
        // What the round before has left to fill is not for this one.
        await until(() => cache.stats().l2.filled === cache.stats().answers.loader);
        queries = 0;
        const cpu = process.cpuUsage();
        const began = performance.now();
        for (let call = 0; call < calls; call += 1) {
          const keys = nextKeys();
          const rows = await ask(keys);
          for (const [at, key] of keys.entries()) {
            if (rows[at]?.id !== key || rows[at].text.length !== 900) throw new Error(`${key} came back wrong`);
          }
        }
        const ms = performance.now() - began;
        const { user, system } = process.cpuUsage(cpu);
        return {
          perSecond: (calls * 1_000) / ms,
          cpuUs: (user + system) / calls,
          queries: queries / calls,
        } satisfies Round;
      };
      const contestants = {
        single: drive(async (keys) => {
          const rows: (Row | undefined)[] = [];
          for (const key of keys) rows.push(await cache.get(key, load));
          return rows;
        }),
        all: drive((keys) => Promise.all(keys.map((key) => cache.get(key, load)))),
        many: drive((keys) => cache.getMany(keys, loadMany)),
      };
      for (const warmUp of Object.values(contestants)) await warmUp();
      const taken = await inTurns(rounds, contestants);
      type Who = keyof typeof contestants;
      const of = (who: Who, what: keyof Round) => taken[who].map((round) => round[what]);
      const row = (contestant: string, who: Who) => ({
        contestant,
        values: {
          'calls/s': median(of(who, 'perSecond')),
          'CPU us/call': median(of(who, 'cpuUs')),
          'queries/call': median(of(who, 'queries')),
        },
      });
      return {
        figures: [
          row('100 gets, one after the other', 'single'),
          row('100 gets in Promise.all', 'all'),
          row('getMany', 'many'),
        ],
        ratios: [
          {
            what: 'calls/s to 100 single gets',
            value: medianRatio(of('many', 'perSecond'), of('single', 'perSecond')),
            bar: 5,
            beyond: 20,
            better: 'higher',
          },
          {
            what: 'calls/s to 100 gets in Promise.all',
            value: medianRatio(of('many', 'perSecond'), of('all', 'perSecond')),
            better: 'higher',
          },
        ],
        checked: `${(rounds * calls * AT_ONCE).toLocaleString('en-US')} values for each contestant, every one its key's own, in order.`,
        notes: [
          'L1 off. Half of the keys are in Redis; each of the others is asked for once, and is one row of 900 characters in PostgreSQL by its primary key, prepared, ten connections. One call at a time, one process; Redis and PostgreSQL on the same machine. The gets go through the same cache, with the same claims and fills; those in Promise.all travel together to Redis as well.',
        ],
        chart: 'calls/s',
      };
    } finally {
      await cache.close();
      await link.close();
      await pool.end();
      await Promise.all([redis.close(), postgres.close()]);
    }
  },
});
