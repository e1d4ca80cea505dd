import { isDeepStrictEqual } from 'node:util';
import { clientAddress, openLoad, type RedisServer, until } from '@spillway/testkit';
import { expect, test } from 'vitest';
import { allCounted, readStats } from '../support/clicks.ts';
import { ADMIN_KEY, type Instances, startInstances, temporaryDatabase } from '../support/cluster.ts';
import { ask, create, createBatchSurely, nowMs, readMetric, visit } from '../support/cluster-client.ts';
import { behindSentinels, onCluster, overTls, type RedisKind, withCacheApart } from '../support/redis-kinds.ts';

/** How late an old answer may be sent off, after the change was answered (G5). */
const LIVE_MS = 100;

test.each([
  ['Sentinels', behindSentinels],
  ['Cluster', onCluster],
  ['a cache apart', withCacheApart],
  ['TLS', overTls],
])(
  'G1, G4, G5, G6: on Redis by way of %s all works, and goes on over a fail-over that nobody sees',
  async (_, start) => {
    await using database = await temporaryDatabase();
    await using kind = await start();
    const env = { LIMIT_REDIRECT: 'off', LIMIT_MISS: 'off', ...kind.env };
    await using instances = await startInstances({ databaseUrl: database.url, count: 2, env });
    await allUp(instances, kind);
    let clicks = await allWorks(instances, 'before');

    const links = Array.from({ length: 50 }, (_, i) => ({ url: `https://example.org/${i}` }));
    const unrecorded = { record: () => undefined, events: [] };
    const made = await createBatchSurely(unrecorded, instances.at(0), links, 'known');
    await using load = openLoad({
      url: instances.all.map(({ url }) => url),
      requests: made.map(({ code }) => `/${code}`),
      clients: 1_000,
      connections: 16,
      rate: 300,
    });
    // Links of which no cache knows: the truth answers for them.
    await using unknown = openLoad({
      url: instances.all.map(({ url }) => url),
      requests: ['/unknown-{{n}}'],
      clients: 1_000,
      connections: 4,
      rate: 50,
    });
    await using creations = openLoad({
      url: instances.all.map(({ url }) => url),
      requests: [
        {
          method: 'POST',
          path: '/api/v1/links',
          headers: { 'x-api-key': ADMIN_KEY, 'content-type': 'application/json' },
          body: JSON.stringify({ url: 'https://example.org/made/{{n}}' }),
        },
      ],
      connections: 4,
      rate: 50,
    });
    const goOn = async () => {
      const { answered } = load.progress;
      await until(() => load.progress.answered > answered + 150, { timeoutMs: 20_000, what: 'the load to go on' });
    };
    await goOn();
    await kind.fail();
    await allUp(instances, kind);
    await goOn();
    clicks += await allWorks(instances, 'after');
    // Under load: for a while after an outage the cache does not use its store.
    await until(() => keysAreApart(kind), { timeoutMs: 10_000, what: 'each server to hold the keys that it is for' });
    const [seen, missed, posted] = await Promise.all([load.stop(), unknown.stop(), creations.stop()]);
    expect([seen.statuses, seen.errors]).toEqual([{ 302: seen.sent }, {}]);
    expect([missed.statuses, missed.errors]).toEqual([{ 404: missed.sent }, {}]);
    expect([posted.statuses, posted.errors]).toEqual([{ 201: posted.sent }, {}]);

    await allCounted(instances.all, async () => 0);
    expect((await readStats(instances.at(0), new URLSearchParams())).totals.clicks).toBe(clicks + seen.sent);
  },
);

test('a Redis whose certificate nobody vouches for is not used, said so, and missed by no redirect', async () => {
  await using database = await temporaryDatabase();
  await using kind = await overTls();
  const { NODE_EXTRA_CA_CERTS: _, ...env } = kind.env;
  await using instances = await startInstances({ databaseUrl: database.url, count: 1, env });
  const only = instances.at(0);
  expect(await readMetric(only, 'spillway_links_dependency_state', '{dependency="redis"')).toBe(0);
  expect(only.process.stderr.join('\n')).toMatch(
    /Redis does not answer.*self-signed certificate|self-signed certificate.*Redis does not answer/,
  );
  const made = await create(only, { url: 'https://example.org/' });
  expect((await visit(only, made.body.code, '10.0.0.1')).status).toBe(302);
});

/** Whether every server holds keys, and where it matters whose: those and no others. */
async function keysAreApart({ servers, keysOf }: RedisKind): Promise<boolean> {
  const packages = await Promise.all(servers().map(packagesIn));
  return keysOf === undefined ? packages.every(({ length }) => length > 0) : isDeepStrictEqual(packages, keysOf);
}

/** Whose keys a server holds. */
async function packagesIn(server: RedisServer): Promise<readonly string[]> {
  const keys = (await server.command('KEYS', '*')) as string[];
  return [...new Set(keys.map((key) => key.split(':')[1] ?? key))].sort();
}

const allUp = (instances: Instances, { dependencies }: RedisKind) =>
  until(
    async () => {
      const states = instances.all.flatMap((instance) =>
        dependencies.map((name) => readMetric(instance, 'spillway_links_dependency_state', `{dependency="${name}"`)),
      );
      return (await Promise.all(states)).every((state) => state === 2);
    },
    { timeoutMs: 30_000, what: `${dependencies.join(' and ')} to be up everywhere` },
  );

/** Creates, redirects, changes and deletes, each on one instance and seen on the other; how many clicks that made. */
async function allWorks(instances: Instances, name: string): Promise<number> {
  let clicks = 0;
  const target = async (on: number, code: string) => {
    const seen = await visit(instances.at(on), code, clientAddress(clicks));
    if (seen.status === 302) clicks += 1;
    return seen.location ?? seen.status;
  };
  for (const on of [0, 1]) {
    const [before, after] = ['before', 'after'].map((when) => `https://example.org/${name}/${on}/${when}`);
    const made = await create(instances.at(on), { url: before ?? '' });
    expect(made.status).toBe(201);
    const { code } = made.body;
    expect([await target(on, code), await target(on + 1, code)]).toEqual([before, before]);
    const path = `/api/v1/links/${code}`;
    const changed = await ask(instances.at(on), 'PATCH', path, { body: { url: after } });
    expect(changed.status).toBe(200);
    await until(() => nowMs() > changed.answeredMs + LIVE_MS, { everyMs: 5 });
    expect([await target(on, code), await target(on + 1, code)]).toEqual([after, after]);
    const removed = await ask(instances.at(on + 1), 'DELETE', path);
    expect(removed.status).toBe(204);
    await until(() => nowMs() > removed.answeredMs + LIVE_MS, { everyMs: 5 });
    expect([await target(on, code), await target(on + 1, code)]).toEqual([404, 404]);
  }
  return clicks;
}
