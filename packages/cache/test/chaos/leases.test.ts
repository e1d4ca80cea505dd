import { randomUUID } from 'node:crypto';
import { type RedisServer, startFaultProxy, startRedis, until } from '@spillway/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest';
import type { InstanceSettings } from '../support/instance-settings.ts';
import { createBin } from '../support/redis-fixture.ts';
import { type Instance, startInstance } from '../support/start-instance.ts';

const whole = createBin();
afterAll(() => whole.empty());
const bin = createBin();
afterEach(() => bin.empty());

const truthUrl = inject('redisUrl');
const cache = `c-${randomUUID()}`;
let redis: RedisServer;
let a: Instance;
let b: Instance;
let c: Instance;

async function start(name: string, own: Partial<InstanceSettings> = {}): Promise<Instance> {
  const urls = { redisUrl: redis.url, busUrl: redis.url, truthUrl };
  const common = { name, ...urls, cache, deadline: '5s', across: 'processes', handles: 7 } as const;
  const instance = await startInstance({ ...common, ...own });
  await until(async () => (await instance.stats()).live);
  return instance;
}

beforeAll(async () => {
  redis = whole.keep(await startRedis());
  [a, b, c] = (await Promise.all(['a', 'b', 'c'].map((name) => start(name)))).map(whole.keep) as [
    Instance,
    Instance,
    Instance,
  ];
});

const row = (): string => `row-${randomUUID()}`;

const loadsOf = async (...all: readonly Instance[]): Promise<number> =>
  (await Promise.all(all.map((one) => one.stats()))).reduce((sum, { loads }) => sum + loads, 0);

const waits = async (one: Instance): Promise<boolean> => (await one.stats()).waits.waiting === 1;

/** `holder` has the lease on the key, has read its row, and is held before it returns it. */
async function leased(holder: Instance, key: string, value: string) {
  await holder.plant(key, value);
  await holder.hold();
  const answer = holder.look(key);
  answer.catch(() => undefined);
  await until(async () => (await holder.stats()).loading === 1);
  return { answer };
}

describe('one load per key for all processes', () => {
  test('21 handles in 3 processes, with 100 callers each, make one load of a cold key', async () => {
    const key = row();
    const before = await loadsOf(a, b, c);
    await a.plant(key, 'v');
    const answers = await Promise.all([a, b, c].map((one) => one.stampede(key, 100)));
    expect(new Set(answers.flat())).toEqual(new Set(['v']));
    expect(await loadsOf(a, b, c)).toBe(before + 1);
  });

  test('a key that was invalidated is loaded once again', async () => {
    const key = row();
    await a.plant(key, 'v');
    for (const one of [a, b, c]) await one.look(key);
    const before = await loadsOf(a, b, c);
    await b.write(key, 'w');
    await until(async () => (await a.peek(key)) === 'nothing' && (await c.peek(key)) === 'nothing');
    const answers = await Promise.all([a, b, c].map((one) => one.look(key)));
    expect(answers.map(({ value }) => value)).toEqual(['w', 'w', 'w']);
    expect(await loadsOf(a, b, c)).toBe(before + 1);
  });

  test('a failing load runs once, and fails those who wait in other processes', async () => {
    const key = row();
    const before = await loadsOf(a, b, c);
    const { answer } = await leased(a, key, 'v');
    const others = [b, c].map((one) => one.look(key).catch((error: unknown) => String(error)));
    await until(async () => (await waits(b)) && (await waits(c)));
    await a.truth('away');
    await a.release();
    await expect(answer).rejects.toThrow('did not answer: "truth"');
    for (const error of await Promise.all(others)) {
      expect(error).toContain('SharedLoadError: Another process loads this key, and its loader failed with StoreUnav');
    }
    expect(await loadsOf(a, b, c)).toBe(before + 1);
    await a.truth('back');
    expect((await b.look(key)).value).toBe('v');
  });

  test('G5: an invalidation during the leased load sends those who wait to the truth, and its fill is refused', async () => {
    const key = row();
    const { answer } = await leased(a, key, 'old');
    const waiting = b.look(key);
    await until(() => waits(b));
    await c.write(key, 'new');
    expect((await waiting).value).toBe('new');
    const { refused } = (await a.stats()).l2;
    await a.release();
    expect((await answer).value).toBe('new');
    expect((await c.look(key)).value).toBe('new');
    expect((await a.stats()).l2.refused).toBe(refused);
  });

  test('with the bus cut those who wait look for themselves, and load nothing', async () => {
    const proxy = bin.keep(await startFaultProxy({ target: redis }));
    const deaf = bin.keep(await start('deaf', { busUrl: proxy.url(redis.url) }));
    const key = row();
    const { answer } = await leased(a, key, 'v');
    const waiting = deaf.look(key);
    await until(() => waits(deaf));
    await proxy.cut();
    await a.release();
    expect(await waiting).toMatchObject({ value: 'v', from: 'l2' });
    await answer;
    expect(await loadsOf(deaf)).toBe(0);
  });

  test('a holder that is stopped past its lease is replaced, and what it brings then is refused', async () => {
    const key = row();
    const { answer } = await leased(a, key, 'old');
    const waiting = b.look(key);
    await until(() => waits(b));
    // As a change that nobody tells of: what tells the two loads apart.
    await c.plant(key, 'new');
    a.pause();
    expect(await waiting).toMatchObject({ value: 'new', from: 'loader' });
    expect((await b.stats()).waits.takenOver).toBe(1);
    a.resume();
    const { refused } = (await a.stats()).l2;
    await a.release();
    await answer;
    await until(async () => (await a.stats()).l2.refused === refused + 1);
    expect(await c.look(key)).toMatchObject({ value: 'new', from: 'l2' });
  });

  test('a holder that is killed is replaced by one of those who wait', async () => {
    const doomed = await start('doomed');
    const key = row();
    const { answer } = await leased(doomed, key, 'v');
    const before = await loadsOf(b, c);
    const waiting = [b.look(key), c.look(key)];
    await until(async () => (await waits(b)) && (await waits(c)));
    await doomed.close();
    await expect(answer).rejects.toThrow('has ended');
    const answers = await Promise.all(waiting);
    expect(answers.map(({ value }) => value)).toEqual(['v', 'v']);
    expect(answers.map(({ from }) => from).sort()).toEqual(['l2', 'loader']);
    expect(await loadsOf(b, c)).toBe(before + 1);
  });

  test('a Redis that is stopped lets those who wait load for themselves', async () => {
    const server = bin.keep(await startRedis());
    const own = { redisUrl: server.url, busUrl: server.url, deadline: '200ms' } as const;
    const [one, other] = (await Promise.all(['one', 'other'].map((name) => start(name, own)))).map(bin.keep) as [
      Instance,
      Instance,
    ];
    const key = row();
    await leased(one, key, 'v');
    const waiting = other.look(key);
    await until(() => waits(other));
    server.pause();
    expect(await waiting).toMatchObject({ value: 'v', from: 'loader' });
    server.resume();
  });
});
