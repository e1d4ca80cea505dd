import { StoreUnavailableError } from '@spillway/kernel';
import { postgresRunner } from '@spillway/kernel/postgres';
import { createLimiter, fixedWindow, type LimitStore, tokenBucket } from '@spillway/limit';
import { limitMigrations, postgresLimitStore } from '@spillway/limit/postgres';
import { type PostgresServer, startPostgres, until } from '@spillway/testkit';
import pg from 'pg';
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';

const bucket = tokenBucket({ name: 'bucket', capacity: 10, refill: { tokens: 1, every: '365d' } });
const window = fixedWindow({ name: 'window', limit: 20, window: '365d', align: 'first-hit' });
const policies = [bucket, window];

let server: PostgresServer;
let pool: pg.Pool;
let store: LimitStore;

beforeEach(async () => {
  server = await startPostgres({ fast: true });
  const { url } = await server.createDatabase();
  pool = new pg.Pool({ connectionString: url, connectionTimeoutMillis: 1_000, query_timeout: 500, max: 5 });
  pool.on('error', () => {});
  const sql = postgresRunner(pool);
  for (const { up } of limitMigrations) for (const statement of up.postgres) await sql.query(statement);
  store = postgresLimitStore({ sql });
});

afterEach(async () => {
  await pool.end();
  await server.close();
});

const remaining = async () => (await store.peek('ada', policies, 1)).map((verdict) => verdict.remaining);

/** As soon as the store answers again. */
const answered = <Answer>(ask: () => Promise<Answer>): Promise<Answer> =>
  until(
    () =>
      ask().catch((error: unknown) => {
        if (error instanceof StoreUnavailableError) return undefined;
        throw error;
      }),
    { what: 'the store to answer again', timeoutMs: 20_000 },
  );

test('a server that is killed is away, and comes back with limits that start anew', async () => {
  await store.take('ada', policies, 4);
  await server.kill();
  await expect(store.take('ada', policies, 1)).rejects.toThrow(StoreUnavailableError);
  await expect(store.peek('ada', policies, 1)).rejects.toThrow(StoreUnavailableError);
  await server.restart();
  expect(await answered(remaining)).toEqual([10, 20]);
  const takes = await Promise.all(Array.from({ length: 30 }, () => store.take('ada', policies, 1)));
  const allowed = takes.filter(({ verdicts }) => verdicts.every(({ outcome }) => outcome === 'allowed'));
  expect(allowed).toHaveLength(10);
});

test('a server that is stopped and started in order forgets nothing', async () => {
  await store.take('ada', policies, 4, 'id');
  await server.stop();
  await expect(store.take('ada', policies, 1)).rejects.toThrow(StoreUnavailableError);
  await server.restart();
  expect(await answered(() => store.take('ada', policies, 4, 'id'))).toMatchObject({
    verdicts: [
      { outcome: 'allowed', remaining: 6 },
      { outcome: 'allowed', remaining: 16 },
    ],
  });
});

test('G3: what the share gave while the server refused connections is charged with the next take that it answers', async () => {
  const limiter = createLimiter({ policy: bucket }, { store, presence: { instances: 1 } });
  onTestFinished(() => limiter.close());
  expect(await limiter.take('ada', { cost: 2 })).toMatchObject({ decidedBy: 'store', remaining: 8 });
  await server.stop();
  const refused = () => store.take('another', policies, 1).catch(({ mayHaveRun }) => mayHaveRun === false);
  await until(refused, { what: 'a connection to be refused' });
  expect(await limiter.take('ada', { cost: 3 })).toMatchObject({ outcome: 'allowed', decidedBy: 'share' });
  await server.restart();
  await answered(() => store.peek('another', policies, 1));
  expect(await limiter.take('ada')).toMatchObject({ decidedBy: 'store', remaining: 10 - 2 - 3 - 1 });
});

test('G2: takes that were sent to a hung server are charged once each, and with an id once in all', async () => {
  await store.take('ada', policies, 1, 'warm');
  server.pause();
  const lost = await Promise.allSettled([
    store.take('ada', policies, 2, 'id'),
    store.take('ada', policies, 2, 'id'),
    store.take('ada', policies, 3),
  ]);
  for (const { status } of lost) expect(status).toBe('rejected');
  server.resume();
  expect(await answered(() => store.take('ada', policies, 2, 'id'))).toMatchObject({
    verdicts: [{ outcome: 'allowed' }, { outcome: 'allowed' }],
  });
  // Whichever of the late ones ran, nothing was charged twice: 1, 2 once, and 3 at most once.
  await until(
    async () =>
      (
        await pool.query(
          "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'SELECT limit_take%' AND state = 'active' AND pid <> pg_backend_pid()",
        )
      ).rows.length === 0,
    { what: 'late takes to end', timeoutMs: 10_000 },
  );
  expect([
    [7, 17],
    [4, 14],
  ]).toContainEqual(await remaining());
});
