import {
  concurrency,
  type Decision,
  fixedWindow,
  gcra,
  type Policy,
  quota,
  slidingLog,
  slidingWindow,
  tokenBucket,
} from '@spillway/limit';
import { type ChildProcessHandle, spawnProcess, until } from '@spillway/testkit';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { openPostgresAt, type TestPostgres } from '../support/open-postgres.ts';
import type { SkewedTake, SkewedTakerSettings } from '../support/skewed-taker.ts';

let database: TestPostgres;
let behind: ChildProcessHandle;
let ahead: ChildProcessHandle;

const start = (skewMs: number): ChildProcessHandle => {
  const settings: SkewedTakerSettings = {
    skewMs,
    redisUrl: inject('redisUrl'),
    postgresUrl: database.url,
    prefix: `limit-skew-${process.pid}`,
  };
  return spawnProcess({
    name: `a host whose clock is ${skewMs} ms off`,
    module: new URL('../support/skewed-taker.ts', import.meta.url),
    env: { SKEWED_TAKER: JSON.stringify(settings) },
    readyWhen: (line) => line === 'ready',
  });
};

beforeAll(async () => {
  database = await openPostgresAt(inject('postgresUrl'));
  behind = start(-2500);
  ahead = start(2500);
  await Promise.all([behind.ready, ahead.ready]);
});

afterAll(async () => {
  await Promise.all([behind?.close(), ahead?.close()]);
  await database?.close();
});

async function ask(process: ChildProcessHandle, take: SkewedTake): Promise<Decision> {
  const lines = process.stdout.length;
  process.write(`${JSON.stringify(take)}\n`);
  return JSON.parse(await until(() => process.stdout[lines], { what: 'a decision' })) as Decision;
}

// By clocks 5 s apart each of them would be a window, a lease or half a bucket further at one of the two.
const policies: readonly Policy[] = [
  tokenBucket({ name: 'bucket', capacity: 10, refill: { tokens: 10, every: '5s' } }),
  gcra({ name: 'gcra', limit: 10, every: '5s' }),
  fixedWindow({ name: 'aligned', limit: 10, window: '5s' }),
  fixedWindow({ name: 'first-hit', limit: 10, window: '5s', align: 'first-hit' }),
  slidingWindow({ name: 'sliding', limit: 10, window: '4s', subWindows: 2 }),
  slidingLog({ name: 'log', limit: 10, window: '5s' }),
  quota({ name: 'daily', limit: 10, per: 'day' }),
  concurrency({ name: 'slots', limit: 10, lease: '5s' }),
];
const cases = policies.flatMap((policy) =>
  (['redis', 'postgres'] as const)
    .filter((store) => store === 'redis' || !['sliding-window', 'sliding-log', 'concurrency'].includes(policy.strategy))
    .map((store) => ({ store, policy, name: policy.name })),
);

describe('G2: two hosts whose clocks are 5 s apart limit alike', () => {
  test.each(cases)('$name, $store', async ({ store, policy, name }) => {
    for (const [first, second] of [
      [behind, ahead],
      [ahead, behind],
    ] as const) {
      const key = `${name}-${first === behind ? 'behind' : 'ahead'}-first`;
      const take = (process: ChildProcessHandle, cost: number, id: string) =>
        ask(process, { store, policy, key, cost, id });
      // Begun where the window of the store's clock goes on for a second more.
      await until(() => Date.now() % 5000 < 3500, { what: 'a window that goes on' });
      expect(await take(first, 10, 'all')).toMatchObject({ outcome: 'allowed', remaining: 0 });
      // A bucket has a unit more after half a second; all ten it has not.
      const refused = [await take(second, 10, 'more'), await take(first, 10, 'more')];
      const waits = refused.map((decision) => {
        expect(decision).toMatchObject({ outcome: 'denied', reason: 'exhausted', decidedBy: 'store' });
        return 'retryAfterMs' in decision ? decision.retryAfterMs : Number.NaN;
      });
      expect(Math.abs((waits[0] ?? 0) - (waits[1] ?? 0))).toBeLessThan(1500);
      // And a repeat is known to both.
      expect(await take(second, 10, 'all')).toMatchObject({ outcome: 'allowed', remaining: expect.any(Number) });
    }
  });
});
