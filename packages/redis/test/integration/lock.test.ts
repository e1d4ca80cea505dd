import { type Duration, StoreUnavailableError } from '@spillway/kernel';
import {
  type ChildProcessHandle,
  type RedisServer,
  spawnProcess,
  startFaultProxy,
  startRedis,
  until,
} from '@spillway/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { connectRedis, createLock, type Lock, type RedisLink } from '../../src/index.ts';
import { writeFenced } from '../fixtures/fenced-resource.ts';

let redis: RedisServer;
let link: RedisLink;
let lock: Lock;

beforeAll(async () => {
  redis = await startRedis();
  link = connectRedis({ url: redis.url, deadline: '2s' });
  await link.ready({ timeout: '10s' });
  lock = createLock(link);
});

beforeEach(() => redis.command('FLUSHALL'));

afterAll(async () => {
  await link?.close();
  await redis?.close();
});

async function startHolder(lease: Duration): Promise<{ process: ChildProcessHandle; token: number }> {
  const process = spawnProcess({
    name: 'lock holder',
    module: new URL('../fixtures/lock-holder.ts', import.meta.url),
    args: [redis.url, lease],
    nodeArgs: ['--conditions=spillway-source'],
    readyWhen: (line) => line.startsWith('token '),
  });
  await process.ready;
  return { process, token: Number(process.stdout.find((line) => line.startsWith('token '))?.slice(6)) };
}

const said = (process: ChildProcessHandle, what: string) => until(() => process.stdout.includes(what), { what });

describe('the lock', () => {
  test('is held by one at a time, with tokens that grow', async () => {
    let inside = 0;
    let most = 0;
    const tokens: number[] = [];
    await Promise.all(
      Array.from({ length: 20 }, async () => {
        const held = await lock.acquire('x', { lease: '30s' });
        inside += 1;
        most = Math.max(most, inside);
        tokens.push(held.token);
        await link.command('PING', []);
        inside -= 1;
        expect(await held.release()).toBe(true);
      }),
    );
    expect(most).toBe(1);
    expect(tokens).toEqual([...tokens].sort((a, b) => a - b));
    expect(new Set(tokens).size).toBe(20);
  });

  test('is free at once when released, and others get undefined while it is held', async () => {
    const held = await lock.tryAcquire('x', { lease: '30s' });
    expect(held?.valid).toBe(true);
    expect(await lock.tryAcquire('x', { lease: '30s' })).toBeUndefined();
    expect(await lock.tryAcquire('y', { lease: '30s' })).toBeDefined();
    expect(await held?.release()).toBe(true);
    expect(held?.valid).toBe(false);
    expect(held?.lost.aborted).toBe(false);
    expect(await held?.release()).toBe(false);
    expect(await lock.tryAcquire('x', { lease: '30s' })).toBeDefined();
  });

  test('every key it writes has a TTL', async () => {
    await lock.acquire('x', { lease: '30s' });
    const keys = (await redis.command('KEYS', '*')) as string[];
    expect(keys).toHaveLength(2);
    for (const key of keys) expect(await redis.command('PTTL', key)).toBeGreaterThan(0);
  });

  test('a waiter stops waiting when its signal aborts', async () => {
    await lock.acquire('x', { lease: '30s' });
    const abort = new AbortController();
    const waiting = lock.acquire('x', { lease: '30s', signal: abort.signal });
    abort.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow(/enough|abort/i);
  });

  test('is lost when the lease ends without a renewal, and kept by renewals', async () => {
    const held = await lock.acquire('x', { lease: '300ms' });
    for (let round = 0; round < 3; round++) {
      const before = Number(await redis.command('PTTL', 'spillway:lock:v1:{x}'));
      await until(async () => Number(await redis.command('PTTL', 'spillway:lock:v1:{x}')) < before);
      expect(await held.renew()).toBe(true);
    }
    expect(held.lost.aborted).toBe(false);
    await until(() => held.lost.aborted);
    expect(held.valid).toBe(false);
    expect(await held.renew()).toBe(false);
  });

  test('its holder ends the lease before Redis does', async () => {
    for (let round = 0; round < 5; round++) {
      const held = await lock.acquire('x', { lease: '200ms' });
      const next = await lock.acquire('x', { lease: '200ms' });
      // Redis gave it to the next: by then the first must have known.
      expect(held.valid).toBe(false);
      await next.release();
    }
  });

  test('a killed holder gives it back by its lease', async () => {
    const { process, token } = await startHolder('500ms');
    await process.kill();
    const held = await lock.acquire('shared', { lease: '10s' });
    expect(held.token).toBeGreaterThan(token);
  });

  test('a holder that was stopped past its lease can not write, nor free what is another’s', async () => {
    const { process, token } = await startHolder('500ms');
    process.write('write\n');
    await said(process, 'wrote true');
    process.pause();
    const held = await lock.acquire('shared', { lease: '30s' });
    expect(held.token).toBeGreaterThan(token);
    expect(await writeFenced(link, held.token, 'by the next')).toBe(true);
    process.resume();
    process.write('write\nvalid\nrelease\n');
    await said(process, 'wrote false');
    await said(process, 'lost');
    await said(process, 'valid false');
    await said(process, 'released false');
    expect(await redis.command('HGET', 'resource', 'value')).toBe('by the next');
    expect(await lock.tryAcquire('shared', { lease: '1s' })).toBeUndefined();
    expect(held.valid).toBe(true);
    expect(await held.release()).toBe(true);
    await process.close();
  });

  test('after a flush tokens go on growing, and the old holder learns that it lost', async () => {
    const first = await lock.acquire('x', { lease: '30s' });
    await redis.command('FLUSHALL');
    const second = await lock.acquire('x', { lease: '30s' });
    expect(second.token).toBeGreaterThan(first.token);
    expect(await first.renew()).toBe(false);
    expect(first.lost.aborted).toBe(true);
    expect(await first.release()).toBe(false);
    expect(second.valid).toBe(true);
    expect(await second.renew()).toBe(true);
  });

  test('tokens grow over a clock that was set back, as long as Redis keeps its memory', async () => {
    const ahead = Date.now() * 1000 + 3_600_000_000;
    await redis.command('SET', 'spillway:lock:v1:{x}:token', String(ahead), 'PX', 1_000_000);
    expect((await lock.acquire('x', { lease: '30s' })).token).toBe(ahead + 1);
  });

  test('fails closed while Redis is away, and leaves no lock that nobody holds', async () => {
    const impatient = connectRedis({ url: redis.url, deadline: '50ms' });
    await impatient.ready({ timeout: '10s' });
    const impatientLock = createLock(impatient);
    redis.pause();
    await expect(impatientLock.acquire('x', { lease: '2s' })).rejects.toBeInstanceOf(StoreUnavailableError);
    redis.resume();
    // The late command may have taken it: it was given back, or ends with its lease.
    await lock.acquire('x', { lease: '1s' });
    await impatient.close();
  });

  test('a release that was stuck in a stopped Redis past the lease can not free what is another’s by then', async () => {
    await using proxy = await startFaultProxy({ target: redis });
    const impatient = connectRedis({ url: proxy.url(redis.url), deadline: '50ms' });
    await impatient.ready({ timeout: '10s' });
    const held = await createLock(impatient).acquire('x', { lease: '500ms' });
    // On its way: nothing is answered, and nobody waits for it any more.
    proxy.hang();
    expect(await held.release()).toBe(false);
    expect(held.valid).toBe(false);
    const next = await lock.acquire('x', { lease: '30s' });
    expect(next.token).toBeGreaterThan(held.token);
    await redis.command('CONFIG', 'RESETSTAT');
    await proxy.restore();
    await until(async () => /evalsha|eval/.test(String(await redis.command('INFO', 'commandstats'))), {
      what: 'the late release to reach Redis',
    });
    expect(await next.renew()).toBe(true);
    expect(await lock.tryAcquire('x', { lease: '1s' })).toBeUndefined();
    await impatient.close();
  });

  test('a lease too short to mean anything is refused', async () => {
    await expect(lock.acquire('x', { lease: '5ms' })).rejects.toThrow('"5ms"');
  });
});
