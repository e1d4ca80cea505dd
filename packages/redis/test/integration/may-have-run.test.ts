import { StoreUnavailableError } from '@spillway/kernel';
import { type RedisServer, startFaultProxy, startRedis, until } from '@spillway/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { connectRedis, type RedisLink } from '../../src/index.ts';

let redis: RedisServer;
let link: RedisLink;

beforeEach(async () => {
  redis = await startRedis();
});

afterEach(async () => {
  await link.close();
  await redis.close();
});

async function unavailable(promise: Promise<unknown>): Promise<StoreUnavailableError> {
  const error = await promise.catch((reason: unknown) => reason);
  if (error instanceof StoreUnavailableError) return error;
  throw new Error(`expected a StoreUnavailableError, got ${String(error)}`);
}

test('an unanswered command may have run; one that a link which is down refuses has not', async () => {
  link = connectRedis({ url: redis.url });
  await link.ready({ timeout: '10s' });
  redis.pause();
  expect(await unavailable(link.command('INCR', ['n']))).toMatchObject({ mayHaveRun: true });
  await until(
    async () => {
      await link.command('INCR', ['n']).catch(() => undefined);
      return link.state === 'down';
    },
    { what: 'the breaker to open' },
  );
  const refused = await Promise.all([
    unavailable(link.command('INCR', ['m'])),
    unavailable(link.get('m')),
    unavailable(link.dedicated().command('INCR', ['m'], { deadlineMs: 50 })),
  ]);
  expect(refused.map(({ mayHaveRun }) => mayHaveRun)).toEqual([false, false, false]);
  redis.resume();
  await link.ready({ timeout: '10s' });
  expect(await link.get('m')).toBeNull();
});

test('a command whose connection breaks may have run', async () => {
  const proxy = await startFaultProxy({ target: redis });
  link = connectRedis({ url: proxy.url(redis.url), deadline: '10s' });
  await link.ready({ timeout: '10s' });
  proxy.dropReplies(true, { afterwards: 'reset' });
  expect(await unavailable(link.command('INCR', ['n']))).toMatchObject({ mayHaveRun: true });
  expect(await redis.command('GET', 'n')).toBe('1');
  await proxy.close();
});

test('a server that says it can not serve has not run it', async () => {
  link = connectRedis({ url: redis.url });
  await link.ready({ timeout: '10s' });
  await redis.command('REPLICAOF', '127.0.0.1', '1');
  expect(await unavailable(link.command('INCR', ['n']))).toMatchObject({ mayHaveRun: false });
  await redis.command('REPLICAOF', 'NO', 'ONE');
  expect(await redis.command('GET', 'n')).toBeNull();
});
