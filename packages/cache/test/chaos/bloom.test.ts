import { type BloomFilter, createBloomFilter } from '@spillway/cache/bloom';
import { redisBloomStore } from '@spillway/cache/redis/bloom';
import type { RedisLink } from '@spillway/redis';
import { type RedisServer, spawnProcess, startRedis, startRedisCluster, until } from '@spillway/testkit';
import { afterEach, describe, expect, inject, test } from 'vitest';
import { connect, createBin, freshName } from '../support/redis-fixture.ts';

const bin = createBin();
afterEach(() => bin.empty());

interface World {
  readonly server: RedisServer;
  readonly link: RedisLink;
  readonly rows: Set<string>;
  readonly filter: BloomFilter;
  readonly bitmaps: () => Promise<string[]>;
}

async function world(): Promise<World> {
  const server = bin.keep(await startRedis());
  const link = await connect(bin, { url: server.url, deadline: '1s' });
  const rows = new Set(['a', 'b']);
  const filter = bin.keep(
    createBloomFilter({
      name: 'codes',
      store: redisBloomStore({ link }),
      capacity: 10_000,
      commitWithin: '10ms',
      source: async function* (): AsyncGenerator<string> {
        yield* rows;
      },
    }),
  );
  const bitmaps = async () =>
    ((await server.command('KEYS', '*')) as string[]).filter((key) => !key.endsWith(':state'));
  return { server, link, rows, filter, bitmaps };
}

const drop = async ({ server }: World, pattern: string): Promise<unknown> =>
  await server.command('DEL', 'none', ...((await server.command('KEYS', pattern)) as string[]));

const losses: readonly [string, (world: World) => Promise<unknown>][] = [
  ['flushed', ({ server }) => server.command('FLUSHALL')],
  ['that evicted a bitmap', (world) => drop(world, '*:[ab]')],
  ['that evicted the state', (world) => drop(world, '*:state')],
];

describe('the Bloom filter in Redis', () => {
  test('says what it knows, in one script for each batch, and every key has a time to live', async () => {
    const { server, rows, filter } = await world();
    for (let n = 0; n < 1_000; n += 1) rows.add(`row ${n}`);
    expect(await filter.rebuild()).toBe('rebuilt');
    await filter.add(['c', 'd']);
    await server.command('CONFIG', 'RESETSTAT');
    const asked = [...rows, 'c', 'd'];
    expect(new Set(await filter.hasMany(asked))).toEqual(new Set(['maybe']));
    const stats = String(await server.command('INFO', 'commandstats'));
    expect(Number(/cmdstat_evalsha:calls=(\d+)/.exec(stats)?.[1])).toBe(Math.ceil(asked.length / 128));
    const absent = (await filter.hasMany(Array.from({ length: 1_000 }, (_, n) => `no ${n}`))).filter(
      (word) => word === 'absent',
    );
    expect(absent.length).toBeGreaterThan(980);
    const keys = (await server.command('KEYS', '*')) as string[];
    expect(keys).toHaveLength(2);
    for (const key of keys) expect(Number(await server.command('PTTL', key))).toBeGreaterThan(0);
  });

  test('on a Cluster its keys share a slot', async () => {
    const { nodes } = bin.keep(await startRedisCluster({ masters: 3 }));
    const link = await connect(bin, { cluster: nodes });
    const filter = bin.keep(
      createBloomFilter({
        name: '{x}:y',
        store: redisBloomStore({ link }),
        capacity: 100,
        commitWithin: '1ms',
        source: async function* (): AsyncGenerator<string> {
          yield 'a';
        },
      }),
    );
    expect(await filter.rebuild()).toBe('rebuilt');
    expect(await filter.hasMany(['a', 'nothing'])).toEqual(['maybe', 'absent']);
  });

  test('an ACL user with the rights of the README can use it', async () => {
    const { server, filter, rows } = await world();
    const rights =
      '-@all +ping +hello +client +info +time +eval +evalsha +getbit +setbit +hget +hmget +hset +hdel +pexpire +unlink';
    await server.command('ACL', 'SETUSER', 'few', 'on', '>secret', '~spillway:bloom:*', ...rights.split(' '));
    const link = await connect(bin, { url: server.url, username: 'few', password: 'secret' });
    const other = bin.keep(
      createBloomFilter({
        name: 'codes',
        store: redisBloomStore({ link }),
        capacity: 10_000,
        commitWithin: '1ms',
        source: async function* (): AsyncGenerator<string> {
          yield* rows;
        },
      }),
    );
    expect(await other.rebuild()).toBe('rebuilt');
    await other.add('c');
    expect(await other.hasMany(['c', 'nothing'])).toEqual(['maybe', 'absent']);
    expect(await filter.hasMany(['c', 'nothing'])).toEqual(['maybe', 'absent']);
  });

  test.each(losses)(
    'a Redis %s says maybe, also after something was added, and is rebuilt in the background',
    async (_, lose) => {
      const all = await world();
      const { filter, rows } = all;
      await filter.rebuild();
      expect(await filter.has('nothing')).toBe('absent');
      await lose(all);
      rows.add('c');
      await filter.add('c');
      expect(await filter.hasMany(['a', 'b', 'c', 'nothing'])).toEqual(['maybe', 'maybe', 'maybe', 'maybe']);
      await expect.poll(() => filter.has('nothing')).toBe('absent');
      expect(await filter.hasMany(['a', 'b', 'c'])).toEqual(['maybe', 'maybe', 'maybe']);
    },
  );

  test('a bitmap that is lost while it is built is never completed', async () => {
    const { server, link, rows, bitmaps } = await world();
    const reading = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    const filter = bin.keep(
      createBloomFilter({
        name: 'codes',
        store: redisBloomStore({ link }),
        capacity: 10_000,
        commitWithin: '1ms',
        source: async function* (): AsyncGenerator<string> {
          for (let n = 0; n < 200; n += 1) yield `early ${n}`;
          reading.resolve();
          await gate.promise;
          yield* rows;
        },
      }),
    );
    const building = filter.rebuild();
    await reading.promise;
    await server.command('DEL', ...(await bitmaps()));
    await filter.add('c');
    gate.resolve();
    expect(await building).toBe('lost');
    expect(await filter.has('early 1')).toBe('maybe');
  });

  test('a Redis that is away, or came back with an older state, says maybe', async () => {
    const { server, link, filter, rows } = await world();
    await filter.rebuild();
    await server.saveSnapshot();
    rows.add('c');
    await filter.add('c');
    expect(await filter.has('nothing')).toBe('absent');
    await server.kill();
    expect(await filter.hasMany(['a', 'nothing'])).toEqual(['maybe', 'maybe']);
    await server.restoreSnapshot();
    await until(() => link.state === 'up', { timeoutMs: 30_000 });
    expect(await filter.hasMany(['a', 'c', 'nothing'])).toEqual(['maybe', 'maybe', 'maybe']);
    await expect.poll(() => filter.has('nothing')).toBe('absent');
    expect(await filter.has('c')).toBe('maybe');
  });

  test('over several processes no row that was committed is ever absent, whatever Redis loses meanwhile', async () => {
    const { server, link } = await world();
    const truthUrl = inject('redisUrl');
    const truth = await connect(bin, { url: truthUrl });
    const name = freshName();
    bin.keep({ close: async () => void (await truth.command('DEL', [name])) });
    const writers = ['one', 'two'].map((writer) =>
      bin.keep(
        spawnProcess({
          name: writer,
          module: new URL('../support/bloom/bloom-writer.ts', import.meta.url),
          args: [server.url, truthUrl, name],
          nodeArgs: ['--conditions=spillway-source'],
          readyWhen: (line) => line === 'ready',
        }),
      ),
    );
    await Promise.all(writers.map(({ ready }) => ready));
    const reader = bin.keep(
      createBloomFilter({
        name,
        store: redisBloomStore({ link }),
        capacity: 10_000,
        commitWithin: '100ms',
        source: async function* (): AsyncGenerator<string> {
          yield* await truth.command<string[]>('SMEMBERS', [name]);
        },
      }),
    );
    const blows = [
      async () => void (await server.command('FLUSHALL')),
      async () => void (await server.command('DEL', ...((await server.command('KEYS', '*:a')) as string[]), 'x')),
      async () => void (await server.command('DEL', ...((await server.command('KEYS', '*:b')) as string[]), 'x')),
      async () => await server.saveSnapshot(),
      async () => await server.restoreSnapshot(),
      async () => void (await server.command('SCRIPT', 'FLUSH')),
    ];
    // Not asserted inside of `until`, which takes an error for "not yet".
    const wrong: string[] = [];
    for (let round = 0; round < 12; round += 1) {
      await blows[round % blows.length]?.();
      // Until it has been complete again since, and for some batches more.
      const seen = reader.stats().absent;
      await until(
        async () => {
          const rows = await truth.command<string[]>('SMEMBERS', [name]);
          const words = await reader.hasMany(rows);
          wrong.push(...rows.filter((_, at) => words[at] === 'absent'));
          return wrong.length > 0 || ((await reader.has(`no ${round}`)) === 'absent' && rows.length > 0);
        },
        { timeoutMs: 30_000, what: `round ${round}` },
      );
      expect([wrong, reader.stats().absent]).toEqual([[], seen + 1]);
    }
    expect(Number(await truth.command('SCARD', [name]))).toBeGreaterThan(100);
  });
});
