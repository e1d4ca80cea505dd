import { setTimeout as pause } from 'node:timers/promises';
import { clientAddress, type RedisServer, until } from '@spillway/testkit';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  configurations,
  type Instances,
  SEED,
  startInstances,
  startOwnRedis,
  temporaryDatabase,
} from '../support/cluster.ts';
import { ask, create, nowMs, readMetric, type Seen, visit } from '../support/cluster-client.ts';

/** How late an old answer may be sent off, after the change was answered (G5). */
const LIVE_MS = 100;
const OTHERWISE_MS = 5_000;

describe.each(configurations)(`$name (SPILLWAY_SEED=${SEED})`, (configuration) => {
  const open = new AsyncDisposableStack();
  let redis: RedisServer | undefined;
  let instances: Instances;
  let databaseUrl = '';
  let client = 0;

  beforeAll(async () => {
    const database = open.use(await temporaryDatabase());
    databaseUrl = database.url;
    redis = open.use(await startOwnRedis(configuration));
    const env = { LIMIT_MISS: 'off', LIMIT_REDIRECT: 'off' };
    instances = open.use(await startInstances({ databaseUrl: database.url, redisUrl: redis?.url, env }));
  });
  afterAll(() => open.disposeAsync());

  const busIs = (state: number) =>
    until(
      async () => {
        const name = 'spillway_links_dependency_state';
        const states = instances.all.map((instance) => readMetric(instance, name, '{dependency="bus"'));
        return (await Promise.all(states)).every((each) => each === state);
      },
      { timeoutMs: 20_000, what: `every bus to be in state ${state}` },
    );

  /**
   * Makes a change on one instance while the others are asked without a pause, and returns the answers of theirs that were asked for
   * later than `graceMs` after the change was answered and yet are the old one.
   */
  const lateAnswers = async (
    change: () => Promise<{ status: number; answeredMs: number }>,
    {
      code,
      isOld,
      graceMs,
      watchMs,
    }: { code: string; isOld: (seen: Seen) => boolean; graceMs: number; watchMs: number },
  ) => {
    const seen: (Seen & { by: string })[] = [];
    let watching = true;
    const readers = instances.all.map(async (instance) => {
      while (watching) seen.push({ by: instance.name, ...(await visit(instance, code, clientAddress(client++))) });
    });
    // Everyone has the old one in its L1.
    await until(() => instances.all.every(({ name }) => seen.filter(({ by }) => by === name).length > 3));
    const { status, answeredMs } = await change();
    expect([200, 204]).toContain(status);
    await until(() => nowMs() > answeredMs + watchMs, { timeoutMs: watchMs + 5_000 });
    watching = false;
    await Promise.all(readers);
    expect(seen.some((each) => isOld(each))).toBe(true);
    for (const { name } of instances.all) {
      expect(
        seen.some((each) => each.by === name && !isOld(each) && each.sentMs > answeredMs),
        name,
      ).toBe(true);
    }
    return seen
      .filter((each) => isOld(each) && each.sentMs > answeredMs + graceMs)
      .map(({ by, status, sentMs }) => ({ by, status, lateMs: Math.round(sentMs - answeredMs) }));
  };

  test.each([
    ['live', 10, LIVE_MS],
    ['dead', 1, OTHERWISE_MS],
  ] as const)(
    `G5: with a %s bus, a changed and a deleted link are so everywhere in time (%i times, %i ms)`,
    async (bus, rounds, graceMs) => {
      await busIs(2);
      const fault = bus === 'live' ? undefined : await (redis === undefined ? cutBus(databaseUrl) : killed(redis));
      if (fault !== undefined) await busIs(0);
      const watchMs = graceMs + 200;
      for (let round = 0; round < rounds; round += 1) {
        const before = `https://example.org/before/${round}`;
        const pathOf = (code: string) => `/api/v1/links/${code}`;
        const make = async (on: number) => (await create(instances.at(on), { url: before })).body.code;
        const edit = async () => {
          const code = await make(round);
          const body = { url: `https://example.org/after/${round}` };
          const change = () => ask(instances.at(round), 'PATCH', pathOf(code), { body });
          const isOld = ({ location }: Seen) => location === before;
          expect(await lateAnswers(change, { code, isOld, graceMs, watchMs }), `edit ${round}`).toEqual([]);
        };
        const remove = async () => {
          const code = await make(round);
          const change = () => ask(instances.at(round + 1), 'DELETE', pathOf(code));
          const isOld = ({ status }: Seen) => status === 302;
          expect(await lateAnswers(change, { code, isOld, graceMs, watchMs }), `delete ${round}`).toEqual([]);
        };
        // Side by side where each takes seconds.
        if (bus === 'dead') await Promise.all([edit(), remove()]);
        else await edit().then(remove);
      }
      await fault?.end();
      await busIs(2);
    },
  );

  test.runIf(configuration.redis === 'on')(
    'G5: what was changed and deleted while Redis was away is not there again when it comes back with old entries',
    async () => {
      if (redis === undefined) throw new Error('This configuration has no Redis');
      await busIs(2);
      const made = await Promise.all(
        [0, 1].map(async (i) => (await create(instances.at(i), { url: 'https://example.org/old' })).body.code),
      );
      const [edited = '', deleted = ''] = made;
      for (const instance of instances.all) {
        for (const code of made) expect((await visit(instance, code, clientAddress(client++))).status).toBe(302);
      }
      await redis.saveSnapshot();
      await redis.kill();
      const url = 'https://example.org/new';
      expect((await ask(instances.at(0), 'PATCH', `/api/v1/links/${edited}`, { body: { url } })).status).toBe(200);
      const gone = await ask(instances.at(1), 'DELETE', `/api/v1/links/${deleted}`);
      expect(gone.status).toBe(204);
      await redis.restoreSnapshot();
      await busIs(2);
      await until(() => nowMs() > gone.answeredMs + OTHERWISE_MS, { timeoutMs: OTHERWISE_MS + 1_000 });
      for (let i = 0; i < 100; i += 1) {
        const [new_, none] = await Promise.all(
          [edited, deleted].map((code) => visit(instances.at(i), code, clientAddress(client++))),
        );
        expect([new_?.location, none?.status]).toEqual([url, 404]);
      }
    },
  );
});

async function killed(redis: RedisServer) {
  await redis.kill();
  return { end: () => redis.restart() };
}

/** PostgreSQL stays, and the connections that listen are ended as often as they come back. */
async function cutBus(databaseUrl: string) {
  const observer = new pg.Client({ connectionString: databaseUrl });
  await observer.connect();
  let ended = false;
  const cutting = (async () => {
    for (; !ended; await pause(20)) {
      await observer.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'spillway-bus'",
      );
    }
  })();
  return {
    async end() {
      ended = true;
      await cutting;
      await observer.end();
    },
  };
}
