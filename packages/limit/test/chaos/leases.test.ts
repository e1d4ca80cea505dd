import { setTimeout as pause } from 'node:timers/promises';
import { type RedisServer, startRedis, type TemporaryDirectory, temporaryDirectory } from '@spillway/testkit';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { checkLeases } from '../support/check-leases.ts';
import { type Admission, CAPACITY, type LeaserMutant, PER_SECOND } from '../support/leaser-settings.ts';
import { clockOffset, type Leasers, startLeasers } from '../support/start-leasers.ts';

const maxAgeMs = 500;

let redis: RedisServer;
let directory: TemporaryDirectory;
let leasers: Leasers | undefined;
let prefixes = 0;

beforeAll(() => {
  directory = temporaryDirectory({ name: 'leases' });
});
afterAll(() => directory.close());
beforeEach(async () => {
  redis = await startRedis();
});
afterEach(async () => {
  await leasers?.close();
  await redis.close();
});

async function start(options: { mutant?: LeaserMutant; deadline?: '50ms' } = {}): Promise<Leasers> {
  prefixes += 1;
  const { deadline = '20s', ...mutant } = options;
  const prefix = `leases-${prefixes}`;
  leasers = await startLeasers(3, { redisUrl: redis.url, prefix, deadline, maxAgeMs, directory, ...mutant });
  return leasers;
}

/** All admissions on the store's clock. */
async function history(of: Leasers): Promise<{ admissions: readonly Admission[]; errorUs: number; maxAgeMs: number }> {
  const { aheadUs, errorUs } = await clockOffset(redis);
  const admissions = of
    .admissions()
    .map((each) => (each.by === 'store' ? each : { ...each, atUs: each.atUs + aheadUs }));
  return { admissions, errorUs: errorUs + 1000, maxAgeMs };
}

const by = (admissions: readonly Admission[], who: Admission['by'], key?: string): readonly Admission[] =>
  admissions.filter((each) => each.by === who && (key === undefined || each.key === key));

describe('G2: three processes with leases, under steady, bursty and skewed load, keep to the bound and the window', () => {
  test('with holders killed and stopped, and their successors', async () => {
    const running = await start();
    await pause(1500);
    await running.processes[0]?.kill();
    (await running.start()).write('go\n');
    await pause(700);
    await redis.command('SCRIPT', 'FLUSH');
    running.processes[1]?.pause();
    await pause(2 * maxAgeMs);
    running.processes[1]?.resume();
    await pause(1000);
    await running.stop();
    const told = await history(running);
    expect(checkLeases(told)).toEqual([]);
    expect(by(told.admissions, 'share')).toEqual([]);
    // A key with room to spare is nearly always decided here; one that is asked for beyond its limit is not starved by what lies unspent.
    const steady = told.admissions.filter(({ key }) => key === 'steady');
    expect(by(steady, 'lease').length / steady.length).toBeGreaterThan(0.7);
    const beyond = told.admissions.filter(({ key, policy }) => key === 'beyond' && policy === 'bucket');
    const seconds = (Math.max(...beyond.map(({ atUs }) => atUs)) - Math.min(...beyond.map(({ atUs }) => atUs))) / 1e6;
    expect(beyond.length).toBeGreaterThan(CAPACITY / 2 + (seconds * PER_SECOND) / 2);
  });

  test('and once more for each time that the store loses its memory with leases out', async () => {
    const running = await start();
    await pause(1000);
    await redis.command('FLUSHALL');
    await pause(1000);
    await redis.command('FLUSHALL');
    await pause(500);
    await running.stop();
    const told = await history(running);
    expect(checkLeases({ ...told, losses: 2 })).toEqual([]);
    expect(by(told.admissions, 'lease').length).toBeGreaterThan(100);
  });

  test.each<[LeaserMutant, RegExp]>([
    ['spending before reserving', /bucket of "beyond".*the bound is/],
    ['a lease that survives its window', /window of "edge"/],
  ])('the checker sees %s', async (mutant, seen) => {
    const running = await start({ mutant });
    await pause(3000);
    await running.stop();
    expect(checkLeases(await history(running)).join('\n')).toMatch(seen);
  });
});

describe('G3: three processes with leases on a Redis that hangs', () => {
  test('spend their leases to their end and no longer, go on with their shares, and ask again when it is back', async () => {
    const running = await start({ deadline: '50ms' });
    await pause(1000);
    redis.pause();
    const hungUs = Number(process.hrtime.bigint() / 1000n);
    await pause(maxAgeMs + 1000);
    const resumedUs = Number(process.hrtime.bigint() / 1000n);
    redis.resume();
    await pause(1500);
    await running.stop();
    const { aheadUs } = await clockOffset(redis);
    const { errorUs, admissions } = await history(running);
    const within = admissions.filter(({ atUs }) => atUs > hungUs + aheadUs && atUs < resumedUs + aheadUs);
    const leasedLate = by(within, 'lease').filter(({ atUs }) => atUs > hungUs + aheadUs + maxAgeMs * 1000 + errorUs);
    expect(leasedLate).toEqual([]);
    expect(by(within, 'share').length).toBeGreaterThan(100);
    expect(by(admissions, 'store').some(({ atUs }) => atUs > resumedUs + aheadUs)).toBe(true);
    // What the store and its leases admitted keeps to G2; what the shares did, together, to one limit.
    const stored = admissions.filter((each) => each.by !== 'share');
    expect(checkLeases({ admissions: stored, errorUs, maxAgeMs })).toEqual([]);
    // (A share's windows begin with the seconds of this process's clock.)
    const shared = by(admissions, 'share').filter(({ policy }) => policy === 'bucket');
    expect(checkLeases({ admissions: shared, errorUs, maxAgeMs: 0 })).toEqual([]);
  });
});
