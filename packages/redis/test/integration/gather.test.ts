import { type RedisServer, startRedis, until } from '@spillway/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectRedis, type RedisLink } from '../../src/index.ts';

let redis: RedisServer;
let link: RedisLink;

beforeAll(async () => {
  redis = await startRedis();
  link = connectRedis({ url: redis.url, deadline: '5s' });
  await link.ready({ timeout: '10s' });
});

afterAll(async () => {
  await link.close();
  await redis.close();
});

test('what is gathered leaves once, at the end of the turn, after its commands and before its gathered GETs', async () => {
  const order: string[] = [];
  const append = (what: string) => link.command('APPEND', ['log', what]);
  link.gather('log', () => {
    order.push('sent');
    void append('gathered,');
  });
  const value = link.get('log');
  const first = append('command,');
  await Promise.resolve().then(() => order.push('microtask'));
  await first;
  expect(order).toEqual(['microtask', 'sent']);
  expect(await value).toBe('command,gathered,');
});

test('many of one turn leave in the order in which they were gathered, with what they gather in a later one', async () => {
  const sent: number[] = [];
  for (let at = 0; at < 100; at += 1) link.gather(`key-${at}`, () => sent.push(at));
  link.gather('again', () => link.gather('again', () => sent.push(100)));
  await until(() => sent.length === 101, { what: 'all to be sent' });
  expect(sent).toEqual(Array.from({ length: 101 }, (_, at) => at));
});

test('a link that is down still calls, and what is sent then is told what is wrong', async () => {
  const closed = connectRedis({ url: redis.url });
  await closed.close();
  const error = await new Promise((resolve) => {
    closed.gather('key', () => closed.command('GET', ['key']).catch(resolve));
  });
  expect(error).toMatchObject({ code: 'SPILLWAY_STORE_UNAVAILABLE', mayHaveRun: false });
});
