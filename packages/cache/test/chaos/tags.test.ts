import { randomUUID } from 'node:crypto';
import type { Look } from '@spillway/cache';
import { type RedisServer, startFaultProxy, startRedis, until } from '@spillway/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest';
import type { InstanceSettings } from '../support/instance-settings.ts';
import { createBin } from '../support/redis-fixture.ts';
import { type Instance, startInstance } from '../support/start-instance.ts';

const bin = createBin();
afterEach(() => bin.empty());
const whole = createBin();
afterAll(() => whole.empty());

const truthUrl = inject('redisUrl');
const TAG = 'user:7';
let redis: RedisServer;

beforeAll(async () => {
  redis = whole.keep(await startRedis());
});

/** Two processes of one cache; no two tests share their keys. */
async function pair(first: Partial<InstanceSettings> = {}, both: Partial<InstanceSettings> = {}) {
  const common = { redisUrl: redis.url, busUrl: redis.url, truthUrl, cache: `c-${randomUUID()}`, ...both };
  const [a, b] = await Promise.all([
    startInstance({ deadline: '5s', name: 'a', ...common, ...first }),
    startInstance({ deadline: '5s', name: 'b', ...common }),
  ]);
  const all: [Instance, Instance] = [bin.keep(a), bin.keep(b)];
  for (const one of all) await until(async () => (await one.stats()).live);
  return all;
}

const row = (): string => `row-${randomUUID()}`;

/** A look whose load has read its row, and is held. */
const heldLook = async (one: Instance, key: string): Promise<{ readonly answer: Promise<Look<string>> }> => {
  await one.hold();
  const answer = one.look(key, TAG);
  await until(async () => (await one.stats()).loading === 1);
  return { answer };
};

/** Rings once `one` has heard all that `of` has said. Messages of one publisher keep their order. */
const bellOf = async (one: Instance, of: Instance): Promise<() => Promise<void>> => {
  const key = row();
  await of.plant(key, 'v');
  await one.look(key);
  return async () => {
    await of.write(key, 'w');
    await until(async () => (await one.peek(key)) === 'nothing');
  };
};

/** The records of tags that this server has, by Redis key. */
const recordsIn = async (server: RedisServer): Promise<string[]> =>
  ((await server.command('KEYS', '*:tag')) as string[]).filter((key) => key.includes('{user%3A7}'));

describe('tags, across processes', () => {
  test('G5: a tag invalidated during another process’s load keeps the old row out of L2, and out of both L1s', async () => {
    const [a, b] = await pair();
    const key = row();
    await b.plant(key, 'old');
    const ring = await bellOf(a, b);
    const { answer } = await heldLook(a, key);
    await b.writeTagged(key, 'new', TAG);
    await ring();
    await a.release();
    expect((await answer).value).toBe('new');
    expect((await b.look(key, TAG)).value).toBe('new');
    expect((await a.look(key, TAG)).value).toBe('new');
  });

  test('G5: the same where no message comes through: what the late load fills is under words that are gone', async () => {
    const busProxy = bin.keep(await startFaultProxy({ target: redis }));
    const [a, b] = await pair({ busUrl: busProxy.url(redis.url) });
    const [key, next] = [row(), row()];
    await b.plant(key, 'old');
    await b.plant(next, 'v');
    const { answer } = await heldLook(a, key);
    await busProxy.cut();
    await b.writeTagged(key, 'new', TAG);
    // The tag has a record again, before the fill.
    await b.look(next, TAG);
    await a.release();
    await answer;
    await until(async () => (await a.stats()).l2.filled === 1);
    expect(await b.look(key, TAG)).toMatchObject({ value: 'new', from: 'loader' });
    await busProxy.restore();
    await until(async () => (await a.look(key, TAG)).value === 'new');
  });

  test('G5: a background refresh that the tag overtook puts nothing back', async () => {
    const [a, b] = await pair({}, { ttl: '1s' });
    const key = row();
    await b.plant(key, 'old');
    await a.look(key, TAG);
    await until(async () => (await a.peek(key)) === 'stale');
    const ring = await bellOf(a, b);
    // Its caller gets the old value at the soft timeout; the load goes on behind it.
    const { answer } = await heldLook(a, key);
    expect((await answer).from).toBe('stale');
    await b.writeTagged(key, 'new', TAG);
    await ring();
    await a.release();
    await until(async () => (await a.stats()).flights === 0);
    for (const one of [b, a]) expect((await one.look(key, TAG)).value).toBe('new');
  });

  test('G5: what is under an evicted record is not believed, nor when the tag has a record again', async () => {
    const server = bin.keep(await startRedis());
    const [a, b] = await pair({}, { redisUrl: server.url, l1: 'off' });
    const [key, next] = [row(), row()];
    await b.plant(key, 'old');
    await b.plant(next, 'v');
    await a.look(key, TAG);
    await until(async () => (await a.stats()).l2.filled === 1);
    expect((await b.look(key, TAG)).from).toBe('l2');
    // An eviction, and an invalidation that finds nothing to take away.
    const records = await recordsIn(server);
    expect(records).toHaveLength(1);
    await server.command('DEL', ...records);
    await a.writeTagged(key, 'new', TAG);
    expect(await recordsIn(server)).toHaveLength(0);
    await b.look(next, TAG);
    expect(await recordsIn(server)).toHaveLength(1);
    for (const one of [b, a]) expect((await one.look(key, TAG)).value).toBe('new');
  });

  test('G5: FLUSHALL during a load, and during the read of a record', async () => {
    const server = bin.keep(await startRedis());
    const l2Proxy = bin.keep(await startFaultProxy({ target: server }));
    const [a, b] = await pair({ redisUrl: l2Proxy.url(server.url) }, { redisUrl: server.url });
    const [key, read] = [row(), row()];
    for (const each of [key, read]) await b.plant(each, 'old');
    const ring = await bellOf(a, b);
    const ringAgain = await bellOf(a, b);
    const { answer } = await heldLook(a, key);
    await b.look(read, TAG);
    await until(async () => (await b.stats()).l2.filled === 1);
    await server.command('FLUSHALL');
    await b.writeTagged(key, 'new', TAG);
    await ring();
    await a.release();
    expect((await answer).value).toBe('new');
    await b.look(read, TAG);
    await until(async () => (await b.stats()).l2.filled === 2);
    l2Proxy.delay(500);
    const slow = a.look(read);
    await until(async () => (await a.stats()).flights === 1);
    await b.plant(read, 'new');
    await server.command('FLUSHALL');
    await b.writeTagged(read, 'new', TAG);
    await l2Proxy.restore();
    await slow;
    await ringAgain();
    for (const one of [a, b]) expect((await one.look(read, TAG)).value).toBe('new');
  });

  test('G5: an invalidation while Redis is gone is made up for when it comes back with its old data', async () => {
    const server = bin.keep(await startRedis());
    const [a, b] = await pair({}, { redisUrl: server.url, deadline: '200ms' });
    const key = row();
    await a.plant(key, 'old');
    for (const one of [a, b]) {
      await until(async () => (await one.look(key, TAG)).value === 'old');
      await until(async () => (await one.stats()).l2.bypassed === 'none');
    }
    await server.saveSnapshot();
    await server.kill();
    await until(async () => (await a.stats()).link === 'down' && (await b.stats()).link === 'down');
    expect(await a.writeTagged(key, 'new', TAG)).toBe('pending');
    expect((await a.look(key, TAG)).value).toBe('new');
    await server.restart();
    await until(async () => (await a.stats()).l2.pendingDeletes === 0);
    expect(await recordsIn(server)).toHaveLength(0);
    for (const one of [a, b]) {
      await until(async () => (await one.stats()).l2.bypassed === 'none');
      await until(async () => (await one.look(key, TAG)).value === 'new');
    }
  });
});
