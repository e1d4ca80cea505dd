import { seededRandom } from '@spillway/kernel';
import {
  checkReadable,
  checkUnique,
  type HistoryEvent,
  recordHistory,
  startFaultProxy,
  until,
} from '@spillway/testkit';
import { Pool } from 'undici';
import { beforeAll, expect, test } from 'vitest';
import { type Instance, SEED, startInstances, temporaryDatabase } from '../support/cluster.ts';
import { create, createBatchSurely, createSurely, visit } from '../support/cluster-client.ts';

/** Histories as the tests of this folder record them, over HTTP from real instances, and then with one lie planted in them. */
let events: readonly HistoryEvent[];
let withOneCut: readonly HistoryEvent[];

beforeAll(async () => {
  await using database = await temporaryDatabase();
  await using instances = await startInstances({ databaseUrl: database.url, count: 2 });
  const history = recordHistory();
  const links = Array.from({ length: 50 }, (_, i) => ({ url: `https://example.org/batch/${i}` }));
  const made = [...(await createBatchSurely(history, instances.at(0), links, 'batch'))];
  for (let i = 0; i < 20; i += 1) {
    made.push(await createSurely(history, instances.at(i), { url: `https://example.org/${i}` }, `single-${i}`));
  }
  for (const [i, { code }] of made.entries()) await visit(instances.at(i), code, `10.0.0.${i}`, history);
  // A retry is no second link.
  await createSurely(history, instances.at(1), { url: 'https://example.org/0' }, 'single-0');
  expect((await create(instances.at(0), { url: 'nonsense' })).status).toBe(422);
  events = history.events;
  withOneCut = await cutOnce(instances.at(0));
});

/** The history of a creation whose connection was reset, and which was made when it was asked for again. */
async function cutOnce(instance: Instance): Promise<readonly HistoryEvent[]> {
  await using proxy = await startFaultProxy({ target: instance });
  const pool = new Pool(proxy.url(instance.url));
  const history = recordHistory();
  proxy.dropReplies(true, { afterwards: 'reset' });
  const made = createSurely(history, { ...instance, pool }, { url: 'https://example.org/cut' }, 'cut');
  await until(() => history.events.length > 0);
  proxy.dropReplies(false);
  await made;
  await pool.destroy();
  return history.events;
}

const random = seededRandom(SEED);
const anyOf = <Kind extends HistoryEvent['kind']>(kind: Kind) => {
  const all = events.filter((event): event is Extract<HistoryEvent, { kind: Kind }> => event.kind === kind);
  const one = all[Math.floor(random() * all.length)];
  if (one === undefined) throw new Error(`The history has no "${kind}"`);
  return one;
};
const replaced = (old: HistoryEvent, lie: HistoryEvent) => [events.map((event) => (event === old ? lie : event))];

test('G1: an honest history over HTTP breaks nothing', () => {
  expect(checkUnique([events])).toEqual([]);
  expect(checkReadable([events])).toEqual([]);
});

test('G1: a creation whose connection ended without an answer is found, though its retry made the link', () => {
  expect(withOneCut.filter(({ kind }) => kind === 'created')).toHaveLength(1);
  expect(checkUnique([withOneCut])).toEqual([]);
  expect(checkReadable([withOneCut])).not.toEqual([]);
});

test(`G1: a code that was given out twice is found (SPILLWAY_SEED=${SEED})`, () => {
  for (let round = 0; round < 50; round += 1) {
    const [victim, thief] = [anyOf('created'), anyOf('created')];
    if (victim.code === thief.code) continue;
    expect(checkUnique(replaced(thief, { ...thief, code: victim.code }))).not.toEqual([]);
  }
});

test(`G1: a retry that made a second link is found (SPILLWAY_SEED=${SEED})`, () => {
  const retry = events.findLast((event) => event.kind === 'created');
  if (retry?.kind !== 'created') throw new Error('The history has no retry');
  expect(checkUnique(replaced(retry, { ...retry, code: 'another' }))).not.toEqual([]);
});

test(`G1: a false 404, a wrong target and a creation that failed without saying when to come back are found (SPILLWAY_SEED=${SEED})`, () => {
  for (let round = 0; round < 50; round += 1) {
    const read = anyOf('read');
    const { location: _, ...missed } = { ...read, status: 404 };
    expect(checkReadable(replaced(read, missed))).toHaveLength(1);
    expect(checkReadable(replaced(read, { ...read, location: 'https://elsewhere.example/' }))).toHaveLength(1);
    const { by, sentMs, answeredMs } = anyOf('created');
    for (const status of [500, 502, 503]) {
      expect(checkReadable([[...events, { kind: 'not-created', by, status, sentMs, answeredMs }]])).toHaveLength(1);
    }
  }
});
