import { StoreUnavailableError } from '@spillway/kernel';
import { postgresRunner } from '@spillway/kernel/postgres';
import { createDatabaseIn, startRedis, until } from '@spillway/testkit';
import pg from 'pg';
import { describe, expect, inject, test } from 'vitest';
import { type BeatingPresence, connectRedis, redisPresence } from '../../src/index.ts';
import { postgresPresence, presenceMigrations } from '../../src/postgres/index.ts';

interface Store {
  join(instance: string, options?: { expected?: number }): BeatingPresence;
  /** Writes an instance that will be silent from now on. */
  leaveSilently(instance: string, silentMs: number): Promise<void>;
  breakIt(): Promise<void>;
  mend(): Promise<void>;
  close(): Promise<void>;
}

async function redisStore(): Promise<Store> {
  const redis = await startRedis();
  const link = connectRedis({ url: redis.url, deadline: '200ms' });
  await link.ready({ timeout: '10s' });
  return {
    join: (instance, options) => redisPresence(link, { instance, ...options }),
    leaveSilently: async (instance, silentMs) => {
      await redis.command('ZADD', 'spillway:presence:v1:{instances}', Date.now() - silentMs, instance);
    },
    breakIt: () => redis.kill(),
    mend: () => redis.restart(),
    close: async () => {
      await link.close();
      await redis.close();
    },
  };
}

async function postgresStore(): Promise<Store> {
  const database = await createDatabaseIn(inject('postgresUrl'));
  const pool = new pg.Pool({ connectionString: database.url });
  pool.on('error', () => undefined);
  const runner = postgresRunner(pool);
  for (const { up } of presenceMigrations) for (const statement of up.postgres) await pool.query(statement);
  let broken = false;
  return {
    join: (instance, options) =>
      postgresPresence({
        sql: {
          ...runner,
          query: (text, values) => {
            if (broken) throw new StoreUnavailableError('query');
            return runner.query(text, values);
          },
        },
        instance,
        ...options,
      }),
    leaveSilently: async (instance, silentMs) => {
      await pool.query("INSERT INTO spillway_instances VALUES ($1, now() - $2 * interval '1 ms')", [
        instance,
        silentMs,
      ]);
    },
    breakIt: async () => {
      broken = true;
    },
    mend: async () => {
      broken = false;
    },
    close: async () => {
      await pool.end();
      await database.drop();
    },
  };
}

// Side by side: each has a store of its own, and waits for seconds.
describe.each([
  ['Redis', redisStore],
  ['PostgreSQL', postgresStore],
])('presence in %s', { concurrent: true }, (_, openStore) => {
  test('counts the living, forgets the silent, and keeps the last count while the store is away', async () => {
    const store = await openStore();
    const presences: BeatingPresence[] = [];
    const join = (instance: string, options?: { expected?: number }) => {
      const presence = store.join(instance, options);
      presences.push(presence);
      return presence;
    };
    try {
      await store.leaveSilently('dead', 60_000);
      await store.leaveSilently('from the future', -60_000);
      await store.leaveSilently('dying', 1_000);
      const a = join('a', { expected: 7 });
      expect(a.instances).toBe(7);
      await until(() => a.instances === 2, { what: 'a and the dying to be counted' });
      const b = join('b');
      await until(() => a.instances === 2 && b.instances === 2, { what: 'the dying to be counted out' });
      const c = join('c');
      await until(() => [a, b, c].every(({ instances }) => instances === 3));
      await store.breakIt();
      const d = join('d', { expected: 4 });
      await c.close();
      expect([a.instances, b.instances, d.instances]).toEqual([3, 3, 4]);
      await store.mend();
      await until(() => [a, b, d].every(({ instances }) => instances === 3), { what: 'a, b and d to be counted' });
      await b.close();
      await until(() => a.instances === 2 && d.instances === 2, { what: 'b to be counted out at once' });
    } finally {
      for (const presence of presences) await presence.close();
      await store.close();
    }
  });

  test('of a store that has just come the count is not believed to be less than expected, and a new instance is counted on demand', async () => {
    const store = await openStore();
    const presences: BeatingPresence[] = [];
    const join = (instance: string, options?: { expected?: number }) => {
      const presence = store.join(instance, options);
      presences.push(presence);
      return presence;
    };
    try {
      const a = join('a', { expected: 3 });
      const alone = join('alone');
      const beganMs = performance.now();
      await a.refresh();
      expect(a.instances).toBe(3);
      await alone.refresh();
      expect(alone.instances).toBe(2);
      await Promise.all([join('b').refresh(), join('c').refresh()]);
      await Promise.all([a.refresh(), alone.refresh()]);
      expect([a.instances, alone.instances]).toEqual([4, 4]);
      await Promise.all(presences.splice(2).map((each) => each.close()));
      await until(() => a.instances === 2, { what: 'only the two to be left' });
      expect(performance.now() - beganMs).toBeGreaterThan(1_250);
    } finally {
      for (const presence of presences) await presence.close();
      await store.close();
    }
  });
});
