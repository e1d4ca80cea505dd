import { join } from 'node:path';
import {
  type PostgresServer,
  type RedisServer,
  startPostgres,
  startRedis,
  temporaryDirectory,
} from '@spillway/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { migrate, type OpenDatabase, openPostgres, openSqliteFile } from '../open-database.ts';
import { createCrew } from './crew.ts';

const END = { code: 0, signal: null };
const KILLED = { code: null, signal: 'SIGKILL' };

describe('three instances that give out ids', () => {
  let redis: RedisServer;
  let postgres: PostgresServer;
  let database: OpenDatabase;
  let crew: ReturnType<typeof createCrew>;

  beforeEach(async () => {
    [redis, postgres] = await Promise.all([startRedis(), startPostgres({ fast: true })]);
    database = await openPostgres(postgres.url);
    crew = createCrew({ SOURCE: 'fenced', REDIS_URL: redis.url, DATABASE_URL: database.url });
    for (let i = 0; i < 3; i++) crew.start();
    await Promise.all(crew.members.map(({ ready }) => ready));
  });
  afterEach(async () => {
    await crew.close();
    await database.close().catch(() => undefined);
    await Promise.all([redis.close(), postgres.close()]);
  });

  test('G1: give none twice while Redis is flushed, killed, restarted from an old snapshot, stopped and continued', async () => {
    await crew.progress(200);
    await redis.command('FLUSHALL');
    await crew.progress(200);
    await redis.saveSnapshot();
    await crew.progress(500);
    await redis.restoreSnapshot();
    await crew.progress(500);
    redis.pause();
    await crew.progress(500);
    redis.resume();
    await crew.progress(200);
    await redis.kill();
    await crew.progress(500);
    await redis.restart();
    await crew.progress(500);
    for (let i = 0; i < 10; i++) {
      await redis.command('FLUSHALL');
      await crew.progress(50);
    }
    expect(await crew.stop()).toEqual([END, END, END]);
    expect(crew.violations()).toEqual([]);

    const { rows } = await database.sql.query<{ proposed_by: string }>('SELECT DISTINCT proposed_by FROM id_blocks');
    expect(rows.map((row) => row.proposed_by).sort()).toEqual(['redis', 'sql']);
    // The faults were felt: Redis did propose numbers again.
    expect(crew.conflicts()).toBeGreaterThan(0);
    // One block each was in hand when they ended, and one prefetched; nothing else may be burned without a fault in SQL.
    const [first] = (await database.sql.query<{ count: string }>('SELECT count(*) FROM id_blocks')).rows;
    const issued = crew.histories().flat().length;
    expect(Number(first?.count) * 20 - issued).toBeLessThanOrEqual(3 * 2 * 20);
  });

  test('G1: give none twice while they are killed and stopped themselves, and PostgreSQL is killed and stopped', async () => {
    await crew.progress(200);
    await crew.members[0]?.kill();
    crew.start();
    await redis.command('FLUSHALL');
    await crew.progress(200);
    crew.members[1]?.pause();
    await redis.restart();
    await crew.progress(
      200,
      [crew.members[2], crew.members[3]].filter((member) => member !== undefined),
    );
    crew.members[1]?.resume();
    await postgres.kill();
    await redis.command('FLUSHALL');
    await crew.members[2]?.kill();
    await postgres.restart();
    crew.start();
    await crew.progress(300);
    postgres.pause();
    redis.pause();
    await crew.members[1]?.kill();
    crew.start();
    redis.resume();
    await redis.command('FLUSHALL');
    postgres.resume();
    await crew.progress(300);
    expect((await crew.stop()).sort((a, b) => (a.code ?? -1) - (b.code ?? -1))).toEqual([
      KILLED,
      KILLED,
      KILLED,
      END,
      END,
      END,
    ]);
    expect(crew.violations()).toEqual([]);
  });
});

test('the checker catches instances without a fence: Redis alone, flushed, gives ids twice', async () => {
  const redis = await startRedis();
  const crew = createCrew({ SOURCE: 'redis', REDIS_URL: redis.url });
  try {
    for (let i = 0; i < 2; i++) crew.start();
    await crew.progress(200);
    await redis.command('FLUSHALL');
    await crew.progress(200);
    await crew.stop();
    expect(crew.violations().length).toBeGreaterThan(0);
    expect(crew.violations()[0]).toMatchObject({ guarantee: 'G1' });
  } finally {
    await crew.close();
    await redis.close();
  }
});

test('G1: one process on SQLite gives none twice, killed five times', async () => {
  const directory = temporaryDirectory({ name: 'ids-sqlite' });
  const file = join(directory.path, 'spillway.db');
  await migrate(openSqliteFile(file));
  const crew = createCrew({ SOURCE: 'sqlite', DATABASE_URL: file });
  try {
    for (let life = 0; life < 5; life++) {
      const member = crew.start();
      await crew.progress(100, [member]);
      expect(await member.kill()).toEqual(KILLED);
    }
    expect(crew.violations()).toEqual([]);
    expect(crew.histories().flat().length).toBeGreaterThanOrEqual(500);
  } finally {
    await crew.close();
    await directory.close();
  }
});
