import { startFaultProxy, startRedis } from '@spillway/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { connectRedis, RedisReplyError } from '../../src/index.ts';

test('a database that the server does not have: the link says so, and sends nothing to another one', async () => {
  await using redis = await startRedis();
  const link = connectRedis({ url: `${redis.url}/99` });
  onTestFinished(() => link.close());
  const error = await link.ready({ timeout: '500ms' }).catch((reason: Error) => reason.cause);
  expect(error).toBeInstanceOf(RedisReplyError);
  expect(error).toMatchObject({
    operation: 'SELECT 99',
    message: expect.stringMatching(/^Redis refused "SELECT 99": ERR .*out of range\. Name .* "databases"/),
  });
  expect(link.state).toBe('down');
  await expect(link.command('SET', ['stray', 1])).rejects.toThrow();
  await expect(link.dedicated().command('SET', ['stray', 1], { deadlineMs: 200 })).rejects.toThrow();
  expect(await redis.command('INFO', 'keyspace')).not.toContain('keys=');
});

test('a database that is refused to a later connection: the link is down until it is granted again', async () => {
  await using redis = await startRedis();
  await using proxy = await startFaultProxy({ target: redis });
  const link = connectRedis({ url: `${proxy.url(redis.url)}/5`, deadline: '1s' });
  onTestFinished(() => link.close());
  await link.ready();
  await link.command('SET', ['first', 1]);
  await redis.command('ACL', 'SETUSER', 'default', '-select');
  const down = new Promise((resolve) => link.onState((state) => state === 'down' && resolve(undefined)));
  await proxy.cut();
  await down;
  await proxy.restore();
  const error = await link.ready({ timeout: '1s' }).catch((reason: Error) => reason.cause);
  expect(error).toMatchObject({ operation: 'SELECT 5', reply: 'NOPERM' });
  await redis.command('ACL', 'SETUSER', 'default', '+select');
  await proxy.cut();
  await proxy.restore();
  await link.ready({ timeout: '5s' });
  await link.command('SET', ['second', 1]);
  expect(await redis.command('INFO', 'keyspace')).toMatch(/^db5:keys=2,/m);
  expect(await redis.command('INFO', 'keyspace')).not.toContain('db0:');
});
