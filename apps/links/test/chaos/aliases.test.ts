import { type Random, seededRandom } from '@spillway/kernel';
import { clientAddress, startFaultProxy, until } from '@spillway/testkit';
import { Pool } from 'undici';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  configurations,
  type Instances,
  SEED,
  startInstances,
  startOwnRedis,
  temporaryDatabase,
} from '../support/cluster.ts';
import { ask, create, type Made, nowMs, visit } from '../support/cluster-client.ts';

/** How soon a change shows everywhere while the bus is live (G5). */
const FRESH_MS = 100;

describe.each(configurations)(`$name (SPILLWAY_SEED=${SEED})`, (configuration) => {
  const random: Random = seededRandom(SEED);
  const open = new AsyncDisposableStack();
  let instances: Instances;

  beforeAll(async () => {
    const database = open.use(await temporaryDatabase());
    const redis = open.use(await startOwnRedis(configuration));
    // Probing an alias is what a guesser does; here it is not to be answered by the limit of guesses.
    const env = { LIMIT_MISS: 'off' };
    instances = open.use(await startInstances({ databaseUrl: database.url, redisUrl: redis?.url, env }));
  });
  afterAll(() => open.disposeAsync());

  /** What is there, by the truth's own words. */
  const linksTo = async (url: string): Promise<number> => {
    const query = new URLSearchParams({ search: url, limit: '1000' });
    const { body } = await ask<{ data: Made[] }>(instances.at(0), 'GET', `/api/v1/links?${query}`);
    return body.data.filter((link) => link.url === url).length;
  };

  test('G1: of 50 requests at once for one alias, over three instances, exactly one gets it, and the others 409; 100 times', async () => {
    for (let round = 0; round < 100; round += 1) {
      const alias = `race-${round}`;
      const answers = await Promise.all(
        Array.from({ length: 50 }, (_, i) => create(instances.at(i), { url: `https://example.org/race/${i}`, alias })),
      );
      const winners = answers.filter(({ status }) => status === 201);
      const losers = answers.filter(({ status }) => status === 409);
      expect([winners.length, losers.length], alias).toEqual([1, 49]);
      for (const i of [0, 1, 2]) {
        const { status, location } = await visit(instances.at(i), alias, clientAddress(round));
        expect([status, location]).toEqual([302, winners[0]?.body.url]);
      }
    }
  });

  test('G1: the same Idempotency-Key on all instances at once makes one link, and all answers name it', async () => {
    for (let round = 0; round < 20; round += 1) {
      const url = `https://example.org/idempotent/${round}`;
      const answers = await Promise.all(
        Array.from({ length: 9 }, (_, i) => create(instances.at(i), { url }, `idempotent-${round}`)),
      );
      expect(answers.map(({ status }) => status)).toEqual(Array(9).fill(201));
      expect(new Set(answers.map(({ body }) => body.code)).size, url).toBe(1);
      expect(await linksTo(url)).toBe(1);
    }
  });

  test('G1: a creation whose answer was lost is repeated with its Idempotency-Key, elsewhere, and makes no second link', async () => {
    await using proxy = await startFaultProxy({ target: instances.at(0) });
    proxy.dropReplies(true, { afterwards: 'reset' });
    for (let round = 0; round < 20; round += 1) {
      const url = `https://example.org/lost/${round}`;
      const pool = new Pool(proxy.url(instances.at(0).url));
      const lost = create({ ...instances.at(0), pool }, { url }, `lost-${round}`);
      await expect(lost).rejects.toThrow();
      await pool.destroy();
      const { status, headers, body } = await create(instances.at(1 + (round % 2)), { url }, `lost-${round}`);
      expect([status, headers['idempotency-replayed'], body.url]).toEqual([201, 'true', url]);
      expect(await linksTo(url)).toBe(1);
    }
  });

  test('G1: a creation whose connection dies at any moment, repeated until it is answered, makes one link', async () => {
    for (let round = 0; round < 40; round += 1) {
      const url = `https://example.org/cut/${round}`;
      const pool = new Pool(instances.at(round).url);
      const first = create({ ...instances.at(round), pool }, { url }, `cut-${round}`).catch(() => undefined);
      const cutAtMs = nowMs() + random() * 12;
      await until(() => nowMs() >= cutAtMs, { everyMs: 1 });
      await pool.destroy();
      // While the first may still be at work.
      const again = await create(instances.at(round + 1), { url }, `cut-${round}`);
      const answered = await first;
      expect(again.status).toBe(201);
      if (answered !== undefined) expect(answered.body.code).toBe(again.body.code);
      expect(await linksTo(url)).toBe(1);
    }
  });

  test('G1: a batch that is repeated, elsewhere and at once, makes each of its links once', async () => {
    const links = Array.from({ length: 200 }, (_, i) => ({ url: `https://example.org/batch/${i}` }));
    const headers = { 'idempotency-key': 'batch' };
    type Results = { results: { link: Made }[] };
    const answers = await Promise.all(
      [0, 1, 2, 0].map((i) =>
        ask<Results>(instances.at(i), 'POST', '/api/v1/links/batch', { body: { links }, headers }),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual([207, 207, 207, 207]);
    const [first, ...others] = answers.map(({ body }) => body.results.map(({ link }) => link.code));
    expect(new Set(first).size).toBe(200);
    for (const codes of others) expect(codes).toEqual(first);
    const query = new URLSearchParams({ search: 'https://example.org/batch/', limit: '1000' });
    expect((await ask<{ data: Made[] }>(instances.at(0), 'GET', `/api/v1/links?${query}`)).body.data).toHaveLength(200);
  });

  test(`G5: an alias that everybody just asked for in vain redirects everywhere within ${FRESH_MS} ms of its creation`, async () => {
    for (let round = 0; round < 30; round += 1) {
      const alias = `probed-${round}`;
      let client = round * 1_000;
      const ask404 = () => Promise.all(instances.all.map((each) => visit(each, alias, clientAddress(client++))));
      // Twice: the second is answered by the negative entry of the first.
      for (const { status } of [...(await ask404()), ...(await ask404())]) expect(status).toBe(404);
      // Asked on while it is made, so that look-ups are under way at every moment of it.
      let asking = true;
      const seen: { by: string; status: number; sentMs: number }[] = [];
      const askers = instances.all.map(async (instance) => {
        while (asking) seen.push({ by: instance.name, ...(await visit(instance, alias, clientAddress(client++))) });
      });
      const made = await create(instances.at(round), { url: 'https://example.org/probed', alias });
      expect(made.status).toBe(201);
      await until(() => nowMs() > made.answeredMs + 2 * FRESH_MS, { everyMs: 5 });
      asking = false;
      await Promise.all(askers);
      const late = seen.filter(({ status, sentMs }) => status !== 302 && sentMs > made.answeredMs + FRESH_MS);
      expect(late, alias).toEqual([]);
      for (const { name } of instances.all)
        expect(seen.some(({ by, status }) => by === name && status === 302)).toBe(true);
    }
  });
});
