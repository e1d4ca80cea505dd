import { once } from 'node:events';
import { createConnection } from 'node:net';
import { type FaultProxy, type RedisServer, startFaultProxy, startRedis, until } from '@spillway/testkit';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { redisCommand } from '../../src/redis/control-connection.ts';

let redis: RedisServer;
let proxy: FaultProxy;
beforeAll(async () => {
  redis = await startRedis();
  proxy = await startFaultProxy({ target: redis });
});
afterEach(async () => {
  await proxy.restore();
  await redis.command('FLUSHALL');
});
afterAll(async () => {
  await proxy.close();
  await redis.close();
});

const through = (...args: string[]) => redisCommand(proxy, args);
/** For commands that are to get no answer. */
const inVain = (...args: string[]) => redisCommand(proxy, args, 300);

test('a proxy without faults passes everything on, large replies too', async () => {
  expect(new URL(proxy.url(redis.url)).port).toBe(String(proxy.port));
  const large = 'x'.repeat(3_000_000);
  await redisCommand(proxy, ['SET', 'large', large]);
  expect(await redisCommand(proxy, ['GET', 'large'])).toBe(large);
});

test('cut resets open connections and refuses new ones; restore takes them again on the same port', async () => {
  const socket = createConnection(proxy.port, proxy.host);
  await once(socket, 'connect');
  socket.write('PING\r\n');
  await once(socket, 'data');
  const broken = once(socket, 'error');
  await proxy.cut();
  expect((await broken)[0]).toMatchObject({ code: 'ECONNRESET' });
  await expect(through('PING')).rejects.toThrow('ECONNREFUSED');
  await proxy.restore();
  expect(await through('PING')).toBe('PONG');
});

test('delay holds every reply back, in order', async () => {
  proxy.delay(80);
  const from = performance.now();
  expect(await through('PING')).toBe('PONG');
  expect(performance.now() - from).toBeGreaterThanOrEqual(79);
});

test('hang takes connections and passes nothing on until restore: then commands are carried out late', async () => {
  const open = createConnection(proxy.port, proxy.host);
  open.write('PING\r\n');
  await once(open, 'data');
  proxy.hang();
  open.write('SET open 1\r\n');
  await expect(inVain('SET', 'fresh', '1')).rejects.toThrow('did not answer');
  expect(await redis.command('MGET', 'open', 'fresh')).toEqual([null, null]);
  await proxy.restore();
  await until(async () => String(await redis.command('MGET', 'open', 'fresh')) === '1,1');
  open.destroy();
});

test('dropReplies lets the command reach the server and loses its reply, and all later ones of that connection', async () => {
  proxy.dropReplies(({ request }) => request.includes('SET'));
  await expect(inVain('SET', 'key', '1')).rejects.toThrow('did not answer');
  expect(await redis.command('GET', 'key')).toBe('1');
  expect(await through('GET', 'key'), 'another connection, another command').toBe('1');
  const socket = createConnection(proxy.port, proxy.host);
  const received: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => received.push(chunk));
  socket.write('SET key 2\r\n');
  await until(async () => (await redis.command('GET', 'key')) === '2');
  socket.write('INCR key\r\n');
  await until(async () => (await redis.command('GET', 'key')) === '3');
  expect(Buffer.concat(received).toString()).toBe('');
  const broken = once(socket, 'error');
  await proxy.restore();
  expect((await broken)[0], 'a stream with a hole can not go on').toMatchObject({ code: 'ECONNRESET' });
});

test('dropReplies can reset the connection instead of falling silent', async () => {
  proxy.dropReplies(true, { afterwards: 'reset' });
  await expect(through('SET', 'key', '1')).rejects.toThrow('ECONNRESET');
  expect(await redis.command('GET', 'key')).toBe('1');
});

test('a server that is gone shows as a broken connection', async () => {
  await redis.kill();
  await expect(through('PING')).rejects.toThrow(/ECONNRESET|closed/);
  await redis.restart();
  expect(await through('PING')).toBe('PONG');
});
