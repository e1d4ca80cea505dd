import { createIdAllocator } from '@spillway/ids';
import { fencedBlocks } from '@spillway/ids/redis';
import { connectRedis } from '@spillway/redis';
import { startSentinelTrio, until } from '@spillway/testkit';
import { expect, inject, test } from 'vitest';
import { openPostgres } from '../open-database.ts';

test('G1: no id comes twice over fail-overs, to a replica that kept up and to one that heard of nothing', async () => {
  const [trio, database] = await Promise.all([startSentinelTrio(), openPostgres(inject('postgresUrl'))]);
  const { sentinels, masterName: master } = trio;
  const links = [1, 2].map(() => connectRedis({ sentinels: [...sentinels], master }));
  const allocators = links.map((link) =>
    createIdAllocator({ source: fencedBlocks({ link, sql: database.sql }), blockSize: 10 }),
  );
  const ids: number[] = [];
  const takeSome = async (rounds: number) => {
    for (let round = 0; round < rounds; round++) {
      for (const batch of await Promise.all(allocators.map((allocator) => allocator.take(15)))) ids.push(...batch);
    }
  };
  const proposedByRedis = () => allocators.reduce((sum, { stats }) => sum + (stats().proposals.redis ?? 0), 0);
  const redisProposesAgain = async () => {
    const before = proposedByRedis();
    await until(
      async () => {
        await takeSome(1);
        return proposedByRedis() > before;
      },
      { timeoutMs: 30_000, what: 'the new master to propose' },
    );
  };
  try {
    await Promise.all(links.map((link) => link.ready({ timeout: '30s' })));
    await takeSome(10);

    const ordered = trio.failover();
    await takeSome(20);
    await ordered;
    await redisProposesAgain();
    await takeSome(10);

    const old = await trio.currentMaster();
    const others = [trio.master, ...trio.replicas].filter(({ port }) => port !== old.port);
    await until(async () => String(await others[0]?.command('ROLE')).startsWith('slave'), { timeoutMs: 30_000 });
    await old.kill();
    await takeSome(20);
    // As if it had been promoted before it heard of anything.
    await (await trio.promoted(old)).command('FLUSHALL');
    await redisProposesAgain();
    await takeSome(10);

    expect(new Set(ids).size).toBe(ids.length);
    expect(allocators.reduce((sum, { stats }) => sum + stats().conflicts, 0)).toBeGreaterThan(0);
  } finally {
    await Promise.all(allocators.map((allocator) => allocator.close()));
    await Promise.all(links.map((link) => link.close()));
    await Promise.all([trio.close(), database.close()]);
  }
});
