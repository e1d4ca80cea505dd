import { clientAddress, type PostgresServer, type RedisServer, startPostgres, until } from '@spillway/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  configurations,
  type Instance,
  type Instances,
  SEED,
  startInstances,
  startOwnRedis,
} from '../support/cluster.ts';
import { create, type Seen, visit } from '../support/cluster-client.ts';

/** What is away, and how. */
interface Outage {
  readonly name: string;
  /** Whether the truth is among it. */
  readonly truth: 'away' | 'there';
  begin(): Promise<void>;
  end(): Promise<void>;
}

const KNOWN = 100;
/**
 * How long a visitor may wait. Where a tier has an answer: the deadline of Redis (50 ms) and the soft timeout of loads (250 ms),
 * and the rest for a busy machine. Where none has: the timeout of PostgreSQL (2.5 s), likewise.
 */
const ANSWER_MS = 2_000;
const REFUSAL_MS = 5_000;

// Side by side: each has servers of its own, and waits for seconds.
describe.each(configurations)(`$name (SPILLWAY_SEED=${SEED})`, { concurrent: true }, (configuration) => {
  const open = new AsyncDisposableStack();
  let postgres: PostgresServer;
  let redis: RedisServer | undefined;
  let instances: Instances;
  let client = 0;
  let links: { code: string; url: string }[] = [];
  let guarded: { limited: string; secret: string };

  beforeAll(async () => {
    postgres = open.use(await startPostgres({ fast: true }));
    redis = open.use(await startOwnRedis(configuration));
    const env = { LIMIT_MISS: 'off' };
    instances = open.use(await startInstances({ databaseUrl: postgres.url, redisUrl: redis?.url, env }));
    links = await Promise.all(
      Array.from({ length: KNOWN }, async (_, i) => {
        const url = `https://example.org/known/${i}`;
        return { code: (await create(instances.at(i), { url })).body.code, url };
      }),
    );
    const url = 'https://example.org/guarded';
    const [limited, secret] = await Promise.all([
      create(instances.at(0), { url, maxClicks: 1_000_000 }),
      create(instances.at(0), { url, password: 'open sesame' }),
    ]);
    guarded = { limited: limited.body.code, secret: secret.body.code };
  });
  afterAll(() => open.disposeAsync());

  const go = async (instance: Instance, code: string): Promise<Seen> => {
    const seen = await visit(instance, code, clientAddress(client++));
    const most = seen.status === 503 ? REFUSAL_MS : ANSWER_MS;
    expect(seen.answeredMs - seen.sentMs, `${seen.status} by ${instance.name}, in ms`).toBeLessThan(most);
    return seen;
  };
  const everywhere = async (check: (instance: Instance) => Promise<void>): Promise<void> => {
    await Promise.all(instances.all.map(check));
  };
  const allRedirect = () =>
    everywhere(async (instance) => {
      for (const { code, url } of links) {
        const seen = await go(instance, code);
        expect([instance.name, seen.status, seen.location]).toEqual([instance.name, 302, url]);
      }
    });

  const outages: Outage[] = [
    ...(configuration.redis === 'off'
      ? []
      : [
          outage('Redis is killed', 'there', () => [redis], 'kill'),
          outage('Redis is stopped', 'there', () => [redis], 'pause'),
          outage('Redis and PostgreSQL are killed', 'away', () => [redis, postgres], 'kill'),
          outage('Redis and PostgreSQL are stopped', 'away', () => [redis, postgres], 'pause'),
        ]),
    outage('PostgreSQL is killed', 'away', () => [postgres], 'kill'),
    outage('PostgreSQL is stopped', 'away', () => [postgres], 'pause'),
  ];

  test.each(outages)(
    'G4: while $name, known links redirect and unknown ones are 503 without the truth, never a false 404; then all recovers by itself',
    { concurrent: false },
    async ({ truth, begin, end }) => {
      await allRedirect();
      const fresh = await create(instances.at(0), { url: 'https://example.org/fresh' });
      expect(fresh.status).toBe(201);
      await begin();
      try {
        // Made before, and never asked for: no tier but the truth has it, or perhaps L2. It is the first to meet the outage.
        const first = await Promise.all(instances.all.map((instance) => go(instance, fresh.body.code)));
        for (const { status } of first) expect(truth === 'there' ? [302] : [302, 503]).toContain(status);
        await allRedirect();
        await everywhere(async (instance) => {
          const unknown = await go(instance, `none-${client}`);
          expect(unknown.status).toBe(truth === 'there' ? 404 : 503);
          const limited = await go(instance, guarded.limited);
          expect(limited.status).toBe(truth === 'there' ? 302 : 503);
        });
        if (truth === 'away') {
          const { status, headers } = await create(instances.at(1), { url: 'https://example.org/later' });
          expect([status, headers['retry-after']]).toEqual([503, expect.stringMatching(/^\d+$/)]);
        }
        // Past the time for which L1 counts as fresh, from what is stale.
        const sinceMs = Date.now();
        await until(() => Date.now() - sinceMs > 5_200, { timeoutMs: 10_000, everyMs: 50 });
        await allRedirect();
      } finally {
        await end();
      }
      await until(
        async () => {
          const made = await create(instances.at(2), { url: 'https://example.org/after' });
          const seen = await Promise.all(instances.all.map((instance) => go(instance, made.body.code)));
          const unknown = await Promise.all(instances.all.map((instance) => go(instance, `none-${client}`)));
          return (
            made.status === 201 &&
            seen.every(({ status }) => status === 302) &&
            unknown.every(({ status }) => status === 404)
          );
        },
        { timeoutMs: 20_000, everyMs: 100, what: 'all instances to recover by themselves' },
      );
      await allRedirect();
    },
  );
});

type Server = RedisServer | PostgresServer | undefined;

/** `servers` is asked when the test runs: they are not started before. */
function outage(name: string, truth: Outage['truth'], servers: () => readonly Server[], how: 'kill' | 'pause'): Outage {
  const each = (act: (server: NonNullable<Server>) => unknown) => async () => {
    await Promise.all(servers().map((server) => (server === undefined ? undefined : act(server))));
  };
  return how === 'kill'
    ? { name, truth, begin: each((server) => server.kill()), end: each((server) => server.restart()) }
    : { name, truth, begin: each((server) => server.pause()), end: each((server) => server.resume()) };
}
