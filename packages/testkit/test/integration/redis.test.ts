import { existsSync } from 'node:fs';
import {
  findServers,
  isRunning,
  startRedis,
  startRedisCluster,
  startRedisReplica,
  startSentinelTrio,
  until,
} from '@spillway/testkit';
import { expect, inject, test } from 'vitest';
import { redisCommand } from '../../src/redis/control-connection.ts';
import { replicationOf } from '../../src/redis/redis-replica.ts';

test('a Redis is killed, restarted on its port, and forgets', async () => {
  await using redis = await startRedis();
  const { pid, port } = redis;
  expect(await redis.command('SET', 'key', 'value')).toBe('OK');
  expect(await redis.command('GET', 'key')).toBe('value');
  await redis.kill();
  expect(isRunning(pid)).toBe(false);
  await expect(redis.command('PING')).rejects.toThrow('ECONNREFUSED');
  await redis.restart();
  expect([redis.port, redis.pid === pid]).toEqual([port, false]);
  expect(await redis.command('GET', 'key')).toBeNull();
});

test('a Redis restored from its snapshot has the old data, not what came after', async () => {
  await using redis = await startRedis({ config: { appendonly: 'yes' } });
  await redis.command('SET', 'old', '1');
  await redis.saveSnapshot();
  await redis.command('SET', 'old', '2');
  await redis.command('SET', 'new', '1');
  await redis.restart();
  expect(await redis.command('MGET', 'old', 'new'), 'kept by the append-only log').toEqual(['2', '1']);
  await redis.restoreSnapshot();
  expect(await redis.command('MGET', 'old', 'new')).toEqual(['1', null]);
});

test('a paused Redis takes connections and answers only when it goes on', async () => {
  await using redis = await startRedis();
  redis.pause();
  await expect(redisCommand(redis, ['SET', 'late', '1'], 100)).rejects.toThrow('did not answer SET within 100 ms');
  redis.resume();
  // The command that was given up is carried out all the same.
  await until(async () => (await redis.command('GET', 'late')) === '1');
});

test('passwords, limits and any directive reach the server; close removes its directory', async () => {
  const redis = await startRedis({
    password: 'a b:c',
    maxmemory: '5mb',
    config: { 'maxmemory-policy': 'allkeys-lru' },
  });
  expect(await redis.command('CONFIG', 'GET', 'maxmemory*')).toEqual(
    expect.arrayContaining(['maxmemory', '5242880', 'maxmemory-policy', 'allkeys-lru']),
  );
  expect(new URL(redis.url).password).toBe('a%20b%3Ac');
  await expect(redisCommand({ host: redis.host, port: redis.port }, ['PING'])).rejects.toThrow('NOAUTH');
  await redis.stop();
  expect(redis.running).toBe(false);
  await redis.close();
  expect(existsSync(redis.dir)).toBe(false);
});

test('a wrong directive is an error that shows what Redis says', async () => {
  await expect(startRedis({ config: { 'no-such-directive': 'x' } })).rejects.toThrow(
    /ended early[\s\S]*no-such-directive/,
  );
});

test('with TLS it answers who trusts its certificate, and nobody in plain text', async () => {
  await using redis = await startRedis({ transport: 'tls', password: 'secret' });
  expect(redis.url).toMatch(/^rediss:/);
  expect(await redis.command('PING')).toBe('PONG');
  await expect(redisCommand({ host: redis.host, port: redis.port }, ['PING'])).rejects.toThrow();
  await redis.restart();
  expect(await redis.command('PING')).toBe('PONG');
});

test('a replica follows its master', async () => {
  await using master = await startRedis({ password: 'secret' });
  await master.command('SET', 'key', 'value');
  await using replica = await startRedisReplica(master);
  expect(await replica.command('GET', 'key')).toBe('value');
  await expect(replica.command('SET', 'key', 'x')).rejects.toThrow('READONLY');
});

test('three sentinels fail over when told, and when the master dies', async () => {
  await using trio = await startSentinelTrio();
  expect(trio.sentinels).toHaveLength(3);
  expect(await trio.currentMaster()).toBe(trio.master);
  const second = await trio.failover();
  expect(second).toBe(trio.replicas[0]);
  await second.command('SET', 'key', 'value');
  // The old master comes back as a replica of the new one, and can take over in its turn.
  await until(async () => (await replicationOf(trio.master)).master_link_status === 'up', { timeoutMs: 30_000 });
  await second.kill();
  expect(await trio.promoted(second)).toBe(trio.master);
  expect(await trio.master.command('GET', 'key')).toBe('value');
});

test('a cluster serves every slot, redirects, and moves a slot with its keys', async () => {
  await using cluster = await startRedisCluster({ masters: 3, replicas: 1 });
  expect(cluster.nodes).toHaveLength(6);
  const slot = await cluster.slotOf('key');
  const owner = await cluster.ownerOf(slot);
  const other = cluster.masters.find((master) => master !== owner);
  if (other === undefined) throw new Error('no other master');
  await owner.command('SET', 'key', 'value');
  await expect(other.command('GET', 'key')).rejects.toThrow(`MOVED ${slot} 127.0.0.1:${owner.port}`);
  await cluster.moveSlot(slot, other, async () => {
    // Half-moved: a key that is not here any more, or not yet, is asked for at the new owner.
    await owner.command('DEL', 'key');
    await expect(owner.command('GET', 'key')).rejects.toThrow(`ASK ${slot} 127.0.0.1:${other.port}`);
    await expect(owner.command('SET', '{key}2', 'x')).rejects.toThrow('ASK');
  });
  await cluster.moveSlot(slot, owner);
  await owner.command('SET', 'key', 'value');
  await cluster.moveSlot(slot, other);
  expect(await cluster.ownerOf(slot)).toBe(other);
  expect(await other.command('GET', 'key')).toBe('value');
  await expect(owner.command('GET', 'key')).rejects.toThrow('MOVED');
});

test('the programs of this machine are found', () => {
  const { redis, postgres, nginx } = findServers();
  expect([redis, postgres, nginx].map((path) => path?.split('/').at(-1))).toEqual([
    'redis-server',
    'postgres',
    'nginx',
  ]);
});

test('the run has one shared Redis', async () => {
  const { hostname, port } = new URL(inject('redisUrl'));
  expect(await redisCommand({ host: hostname, port: Number(port) }, ['PING'])).toBe('PONG');
});
