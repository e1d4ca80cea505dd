import { seededRandom } from '@spillway/kernel';
import { checkReadable, checkUnique, clientAddress, type HistoryRecorder, recordHistory } from '@spillway/testkit';
import { describe, expect, test } from 'vitest';
import {
  configurations,
  type Instance,
  SEED,
  startInstances,
  startOwnRedis,
  temporaryDatabase,
} from '../support/cluster.ts';
import { createBatchSurely, createSurely, type Made, readMetric, visit } from '../support/cluster-client.ts';
import { redisFaults, shake } from '../support/faults.ts';
import { inParallel } from '../support/in-parallel.ts';

const BATCH = 100;
/** Of all links, the share that is made one by one. */
const SINGLE = 1 / 10;

describe.each(configurations)(`$name (SPILLWAY_SEED=${SEED})`, (configuration) => {
  // Without Redis there is nothing to break here, and so less to wait for.
  const perInstance = configuration.redis === 'on' ? 10_000 : 3_000;

  test(`G1: three instances make ${perInstance} links each while Redis forgets, dies and hangs: none twice, none lost, each there at once on another`, async () => {
    await using database = await temporaryDatabase();
    await using redis = await startOwnRedis(configuration);
    await using instances = await startInstances({ databaseUrl: database.url, redisUrl: redis?.url });
    const history = recordHistory();
    let made = 0;
    let read = 0;

    /** Made on one, and read at once on another: on this one and that one in turns. */
    const makeOn = (number: number, count: number, name: string) =>
      inParallel(jobs(count, `${name}-${number}`), 12, async (job) => {
        const links = await job(history, instances.at(number));
        made += links.length;
        await inParallel(links, 8, ({ code }) => {
          read += 1;
          return visit(instances.at(number + 1 + (read % 2)), code, clientAddress(read), history);
        });
      });
    const makeOnAll = (count: number, name: string) =>
      Promise.all(instances.all.map((_, number) => makeOn(number, count, name)));
    const conflicts = async () => {
      const each = instances.all.map((instance) => readMetric(instance, 'spillway_links_id_block_conflicts_total'));
      return (await Promise.all(each)).reduce((sum, count) => sum + count, 0);
    };

    await redis?.saveSnapshot();
    const progress = () => made / (3 * perInstance);
    await Promise.all([
      makeOnAll(perInstance, 'first'),
      shake(redis === undefined ? [] : redisFaults(redis), { progress, random: seededRandom(SEED), rounds: 2 }),
    ]);
    const conflictsBefore = await conflicts();
    // Their successors take new blocks from a Redis that remembers hardly any.
    await redis?.restoreSnapshot();
    await Promise.all(instances.all.map((instance) => instance.start()));
    await makeOnAll(1_000, 'second');

    expect(made).toBe(3 * (perInstance + 1_000));
    expect(checkUnique([history.events])).toEqual([]);
    expect(checkReadable([history.events])).toEqual([]);
    // PostgreSQL was up all the time: 503 was no answer to a visit.
    expect(history.events.filter((event) => event.kind === 'read' && event.status !== 302)).toEqual([]);
    expect(history.events.filter((event) => event.kind === 'read')).toHaveLength(made);
    // Else the fence was never put to the test.
    if (redis !== undefined) expect(conflictsBefore + (await conflicts())).toBeGreaterThan(0);
  });
});

type Job = (history: HistoryRecorder, instance: Instance) => Promise<readonly Made[]>;

/** Creations that come to `count` links in all, single ones between batches. */
function* jobs(count: number, name: string): Generator<Job> {
  const singles = count * SINGLE;
  const batches = (count - singles) / BATCH;
  const url = (i: number) => `https://example.org/${name}/${i}`;
  for (let batch = 0, i = 0; batch < batches; batch += 1) {
    const links = Array.from({ length: BATCH }, () => ({ url: url(i++) }));
    yield (history, instance) => createBatchSurely(history, instance, links, `${name}-batch-${batch}`);
    for (const until = ((batch + 1) * singles) / batches + (batch + 1) * BATCH; i < until; ) {
      const link = url(i++);
      yield async (history, instance) => [await createSurely(history, instance, { url: link }, link)];
    }
  }
}
