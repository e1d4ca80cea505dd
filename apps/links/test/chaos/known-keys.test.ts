import { startPostgres, until } from '@spillway/testkit';
import { describe, expect, test, vi } from 'vitest';
import { configurations, startInstances, startOwnRedis } from '../support/cluster.ts';
import { ask, readMetric } from '../support/cluster-client.ts';

const INSTANCES = 2;
/** Longer than any key counts as fresh, and than the timeouts of PostgreSQL (2.5 s) and of a load (5 s). */
const AWAY_MS = 7_000;

describe.each(configurations)('API keys over two instances on $name', (configuration) => {
  // Side by side: each has servers of its own, and waits for seconds.
  test.each(['kill', 'pause'] as const)(
    'G4: with PostgreSQL away by %s for 7 s keys that were read go on, with their limits; unknown ones are 503, and revoked ones stay so',
    { concurrent: true },
    async (how) => {
      await using postgres = await startPostgres({ fast: true });
      const redis = await startOwnRedis(configuration);
      await using _ = { [Symbol.asyncDispose]: async () => redis?.close() };
      await using instances = await startInstances({
        databaseUrl: postgres.url,
        redisUrl: redis?.url,
        count: INSTANCES,
        // Keys that are not known are guesses, of which a client has only so many.
        env: { LIMIT_MISS: 'off' },
      });
      const makeKey = async (capacity = 5_000) => {
        const limits = [{ strategy: 'token-bucket', name: 'premium', capacity, refill: { tokens: 1, every: '10h' } }];
        const body = { name: 'a program', scopes: ['limits:check'], plan: 'premium', limits };
        const made = await ask<{ id: string; key: string }>(instances.at(0), 'POST', '/api/v1/keys', { body });
        expect(made.status).toBe(201);
        return made.body;
      };
      const check = (key: string) =>
        Promise.all(
          instances.all.map((each) =>
            ask<Record<string, unknown>>(each, 'POST', '/api/v1/limits/check', {
              body: { policy: 'free', key: 'somebody', action: 'peek' },
              headers: { 'x-api-key': key },
            }),
          ),
        );
      const statuses = async (key: string) => (await check(key)).map(({ status }) => status);
      const [known, revoked, unread] = [await makeKey(), await makeKey(), await makeKey()];
      const limited = await makeKey(8);
      expect(await statuses(known.key)).toEqual([200, 200]);
      expect(await statuses(limited.key)).toEqual([200, 200]);
      expect(await statuses(revoked.key)).toEqual([200, 200]);
      expect((await ask(instances.at(1), 'DELETE', `/api/v1/keys/${revoked.id}`)).status).toBe(204);
      const goneMs = performance.now();
      await until(async () => (await statuses(revoked.key)).every((status) => status === 401), { everyMs: 5 });
      expect(performance.now() - goneMs).toBeLessThan(1_000);

      // Shares are by the last known number of instances.
      const met = () => Promise.all(instances.all.map((each) => readMetric(each, 'spillway_links_instances')));
      await until(async () => (await met()).every((count) => count === INSTANCES), { timeoutMs: 10_000 });

      await (how === 'kill' ? postgres.kill() : postgres.pause());
      const sinceMs = performance.now();
      let rounds = 0;
      while (performance.now() - sinceMs < AWAY_MS) {
        for (const { status, body } of await check(known.key)) {
          expect([status, body]).toEqual([200, expect.objectContaining({ policy: 'free', outcome: 'allowed' })]);
        }
        rounds += 1;
        await until(() => performance.now() - sinceMs > rounds * 250, { everyMs: 20 });
      }
      expect(rounds).toBeGreaterThan(5);
      let allowed = 0;
      for (let round = 0; round < 8; round += 1) {
        for (const status of await statuses(limited.key)) {
          expect([200, 429]).toContain(status);
          if (status === 200) allowed += 1;
        }
      }
      // Six are left where the store is there; where it is away, each instance's half, anew.
      expect(allowed).toBe(redis === undefined ? 8 : 6);
      expect(await statuses(unread.key)).toEqual([503, 503]);
      expect(await statuses('spw_a-key-that-was-never-made')).toEqual([503, 503]);
      for (const status of await statuses(revoked.key)) expect([401, 503]).toContain(status);

      await (how === 'kill' ? postgres.restart() : postgres.resume());
      await vi.waitFor(async () => expect(await statuses(unread.key)).toEqual([200, 200]), { timeout: 20_000 });
      expect(await statuses(known.key)).toEqual([200, 200]);
      expect(await statuses(revoked.key)).toEqual([401, 401]);
    },
  );
});
