import { startSentinelTrio, until } from '@spillway/testkit';
import { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import { connectRedis, createLock, type LinkState } from '../../src/index.ts';
import { stayConnected } from '../../src/ioredis/stay-connected.ts';

test('a link behind Sentinels follows a fail-over, after the master was killed and after it hung', async () => {
  await using trio = await startSentinelTrio({ replicas: 2 });
  const link = connectRedis({ sentinels: trio.sentinels, master: trio.masterName, deadline: '200ms' });
  const states: LinkState[] = [];
  link.onState((state) => states.push(state));
  try {
    expect(link.topology).toBe('sentinel');
    await link.ready({ timeout: '20s' });
    await link.command('SET', ['before', 1]);
    const heard: string[] = [];
    link.subscribe('news', { message: (text) => heard.push(text) });
    const own = link.dedicated();
    await own.command('PING', []);

    const lock = createLock(link);
    const before = await lock.acquire('x', { lease: '60s' });

    const first = trio.master;
    await first.kill();
    const second = await trio.promoted(first);
    // No hand, no restart: the link finds the new master.
    await until(() => link.command('SET', ['after', 1]).catch(() => ''), { timeoutMs: 30_000 });
    expect(await second.command('GET', 'after')).toBe('1');
    // Whether the new master knows of the holder or not: a token that is given again is greater.
    await before.release();
    const after = await until(() => lock.acquire('x', { lease: '60s' }), { timeoutMs: 30_000 });
    expect(after.token).toBeGreaterThan(before.token);
    expect(await lock.tryAcquire('x', { lease: '60s' })).toBeUndefined();
    await until(() => own.command('SET', ['own', 1]).catch(() => ''), { timeoutMs: 30_000 });
    await until(
      async () => {
        await link.command('PUBLISH', ['news', 'heard']).catch(() => 0);
        return heard.length > 0;
      },
      { timeoutMs: 30_000 },
    );

    second.pause();
    await until(() =>
      link.command('GET', ['k']).then(
        () => '',
        () => link.state === 'down',
      ),
    );
    const third = await trio.promoted(second);
    await until(() => link.command('SET', ['again', 1]).catch(() => ''), { timeoutMs: 30_000 });
    expect(await third.command('GET', 'again')).toBe('1');
    second.resume();
    // The old master comes back as a replica; nobody writes to it.
    await until(async () => String(await second.command('ROLE')).startsWith('slave'), { timeoutMs: 30_000 });
    expect(await link.command('SET', ['still', 1])).toBe('OK');
    expect(await third.command('GET', 'still')).toBe('1');
    expect(states[0]).toBe('up');
    expect(new Set(states)).toEqual(new Set(['up', 'down']));
  } finally {
    await link.close();
  }
});

test('a client that ioredis gave up, since a fail-over was told while it asked for the master, connects again', async () => {
  await using trio = await startSentinelTrio({ replicas: 1 });
  const client = new Redis({ sentinels: [...trio.sentinels], name: trio.masterName, retryStrategy: () => 1 });
  const letGo = stayConnected(client, Math.random);
  client.on('error', () => undefined);
  const statuses: string[] = [];
  for (const status of ['connecting', 'end', 'ready']) client.on(status, () => statuses.push(status));
  try {
    await until(() => client.status === 'ready');
    client.stream.destroy();
    await until(() => client.status === 'connecting', { everyMs: 1 });
    // What its own detector does on +switch-master.
    (client as unknown as { connector: { disconnect(): void } }).connector.disconnect();
    await until(() => client.status === 'ready');
    expect(statuses).toContain('end');
    letGo();
    client.disconnect();
    await until(() => client.status === 'end');
  } finally {
    letGo();
    client.disconnect();
  }
});
