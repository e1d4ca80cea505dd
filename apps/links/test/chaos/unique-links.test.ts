import { seededRandom } from '@spillway/kernel';
import {
  checkReadable,
  checkUnique,
  clientAddress,
  type HistoryRecorder,
  recordHistory,
  startPostgres,
  until,
} from '@spillway/testkit';
import { describe, expect, test } from 'vitest';
import { configurations, type Instance, SEED, startInstances, startOwnRedis } from '../support/cluster.ts';
import { createBatchSurely, createSurely, type Made, readMetric, visit } from '../support/cluster-client.ts';
import { postgresFaults, redisFaults, shake } from '../support/faults.ts';
import { inParallel } from '../support/in-parallel.ts';

const BATCH = 50;
/** Of all links, the share that is made one by one. */
const SINGLE = 1 / 5;

/** What breaks is what hands out the blocks of ids: Redis, or PostgreSQL where that stands alone. */
const kinds = [
  { ...configurations[0], broken: 'Redis forgets, dies and hangs', perInstance: 10_000 },
  { ...configurations[1], broken: 'it dies and hangs', perInstance: 1_000 },
];

describe.each(kinds)(`$name (SPILLWAY_SEED=${SEED})`, (configuration) => {
  const { broken, perInstance } = configuration;

  test(`G1: three instances make ${perInstance} links each while ${broken}: none twice, none lost, each there at once on both others`, async () => {
    await using postgres = await startPostgres({ fast: true });
    await using redis = await startOwnRedis(configuration);
    const env = { LIMIT_REDIRECT: 'off', LIMIT_MISS: 'off' };
    await using instances = await startInstances({ databaseUrl: postgres.url, redisUrl: redis?.url, env });
    const history = recordHistory();
    const count = { made: 0, read: 0, refused: 0 };
    const creations: HistoryRecorder = {
      events: history.events,
      record(event) {
        if (event.kind === 'not-created') count.refused += 1;
        history.record(event);
      },
    };

    const readOn = (instance: Instance, { code }: Made) =>
      until(
        async () => {
          const { status } = await visit(instance, code, clientAddress(count.read), history);
          // Without the truth nobody knows of a link that was just made; that is no answer about it.
          return status !== 503;
        },
        { timeoutMs: 60_000, everyMs: 50, what: `${instance.name} to say whether ${code} is there` },
      );
    const makeOn = (number: number, links: number, name: string) =>
      inParallel(jobs(links, `${name}-${number}`), 12, async (job) => {
        const made = await job(creations, instances.at(number));
        count.made += made.length;
        await inParallel(made, 8, async (link) => {
          count.read += 1;
          await Promise.all([1, 2].map((further) => readOn(instances.at(number + further), link)));
        });
      });
    const makeOnAll = (links: number, name: string) =>
      Promise.all(instances.all.map((_, number) => makeOn(number, links, name)));
    const conflicts = async () => {
      const each = instances.all.map((instance) => readMetric(instance, 'spillway_links_id_block_conflicts_total'));
      return (await Promise.all(each)).reduce((sum, one) => sum + one, 0);
    };

    await redis?.saveSnapshot();
    // Refusals count as work, since without PostgreSQL there is nothing else.
    const progress = () => (count.made + count.refused) / (3 * perInstance);
    const faults = redis === undefined ? postgresFaults(postgres) : redisFaults(redis);
    const random = seededRandom(SEED);
    await Promise.all([
      makeOnAll(perInstance, 'first'),
      shake(faults, { progress, random, rounds: redis === undefined ? 1 : 2 }),
    ]);
    const conflictsBefore = await conflicts();
    // Their successors take new blocks, from a Redis that remembers hardly any where there is one.
    await redis?.restoreSnapshot();
    await Promise.all(instances.all.map((instance) => instance.start()));
    await makeOnAll(300, 'second');

    const { events } = history;
    expect(count.made).toBe(3 * (perInstance + 300));
    expect(checkUnique([events])).toEqual([]);
    expect(checkReadable([events])).toEqual([]);
    const reads = events.filter((event) => event.kind === 'read');
    expect(reads.filter(({ status }) => status === 302)).toHaveLength(2 * count.made);
    // While PostgreSQL is up, 503 is no answer to a visit.
    if (redis !== undefined) expect(reads).toHaveLength(2 * count.made);
    // Else the fence, or what stands without the truth, was never put to the test.
    if (redis === undefined) expect(count.refused).toBeGreaterThan(0);
    else expect(conflictsBefore + (await conflicts())).toBeGreaterThan(0);
  });
});

type Job = (history: HistoryRecorder, instance: Instance) => Promise<readonly Made[]>;

/** Creations that come to `count` links in all, single ones between batches. */
function* jobs(count: number, name: string): Generator<Job> {
  const singles = count * SINGLE;
  const batches = (count - singles) / BATCH;
  const url = (i: number) => `https://example.org/${name}/${i}`;
  let i = 0;
  for (let batch = 0; batch < batches; batch += 1) {
    const links = Array.from({ length: Math.min(BATCH, count - i) }, () => ({ url: url(i++) }));
    yield (history, instance) => createBatchSurely(history, instance, links, `${name}-batch-${batch}`);
    for (const end = Math.min(count, ((batch + 1) * singles) / batches + (batch + 1) * BATCH); i < end; ) {
      const link = url(i++);
      yield async (history, instance) => [await createSurely(history, instance, { url: link }, link)];
    }
  }
}
