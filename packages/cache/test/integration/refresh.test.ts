import { redisCacheStore } from '@spillway/cache/redis';
import { startRedis, until } from '@spillway/testkit';
import { afterEach, expect, test } from 'vitest';
import { connect, createBin, stringCache } from '../support/redis-fixture.ts';

const bin = createBin();
afterEach(() => bin.empty());

/** Two instances without a bus, each with its own connection, on a Redis of their own. */
async function instances() {
  const server = bin.keep(await startRedis());
  const more = { ttl: '100ms', staleWhileRevalidate: '1h', l1: 'off', jitter: 0 } as const;
  const open = async () => stringCache(redisCacheStore({ link: await connect(bin, { url: server.url }) }), 'c', more);
  return { server, a: await open(), b: await open() };
}

const never = () => Promise.reject(new Error('it was loaded'));

test.each(['a delete', 'a flush'] as const)(
  'G5: a background refresh that read the old row before %s in another process does not put it back',
  async (how) => {
    const { server, a, b } = await instances();
    await a.get('k', async () => 'old');
    await until(() => a.stats().l2.filled === 1);
    const read = Promise.withResolvers<string>();
    let refreshing = false;
    const slow = () => {
      refreshing = true;
      return read.promise;
    };
    await until(async () => {
      const look = await a.look('k', refreshing ? never : slow);
      expect(look.value).toBe('old');
      return refreshing && look.from === 'stale';
    });
    if (how === 'a flush') await server.command('FLUSHALL');
    else await b.invalidate({ key: 'k' });
    read.resolve('old');
    await until(() => a.stats().l2.refused === 1);
    expect(await b.get('k', async () => 'new')).toBe('new');
    await until(() => b.stats().l2.filled === 1);
    expect((await a.look('k', never)).value).toBe('new');
  },
);

test('what one process has refreshed in the background is fresh for the other, which loads nothing', async () => {
  const { a, b } = await instances();
  await a.get('k', async () => 'old');
  await until(() => a.stats().l2.filled === 1);
  const long = { ttl: '1h' } as const;
  await until(async () => (await a.look('k', async () => 'new', long)).from === 'stale');
  await until(() => a.stats().l2.filled === 2);
  expect(await b.look('k', never)).toEqual({ value: 'new', from: 'l2', negative: false });
});
