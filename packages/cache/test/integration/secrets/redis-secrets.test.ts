import { setTimeout as pause } from 'node:timers/promises';
import { createOtpStore } from '@spillway/cache/otp';
import { redisOtpRecords } from '@spillway/cache/redis/otp';
import { redisSessionRecords } from '@spillway/cache/redis/sessions';
import { createSessionStore } from '@spillway/cache/sessions';
import { startRedis, startRedisCluster } from '@spillway/testkit';
import { afterAll, afterEach, describe, expect, inject, test } from 'vitest';
import { otpRecordsSuite } from '../../../src/testing/otp-records-suite.ts';
import { sessionRecordsSuite } from '../../../src/testing/session-records-suite.ts';
import { connect, createBin, freshName } from '../../support/redis-fixture.ts';

const whole = createBin();
afterAll(() => whole.empty());
const bin = createBin();
afterEach(() => bin.empty());

const pass = async (ms: number): Promise<void> => void (await pause(ms));
const secret = 'a secret of at least thirty-two bytes';
const shared = connect(whole, { url: inject('redisUrl') });
const cluster = startRedisCluster({ masters: 3 }).then(whole.keep);
const clustered = cluster.then(({ nodes }) => connect(whole, { cluster: nodes }));
for (const [name, connected] of [
  ['Redis', shared],
  ['Redis Cluster', clustered],
] as const) {
  sessionRecordsSuite({
    name,
    create: async () => redisSessionRecords({ link: await connected, name: freshName() }),
    pass,
  });
  otpRecordsSuite({ name, create: async () => redisOtpRecords({ link: await connected, prefix: freshName() }), pass });
}

const rights = ['-@all', '+ping', '+hello', '+client', '+info', '+time', '+eval', '+evalsha'];
const forSessions = ['~spillway:session:*', '+get', '+set', '+getrange', '+pexpire'];
const forOtps = ['~spillway:otp:*', '+hset', '+hget', '+hmget', '+hincrby', '+pexpire', '+unlink'];

describe('secrets in Redis', () => {
  test('every key has a time to live, and neither ids, subjects nor codes stand in it', async () => {
    const server = bin.keep(await startRedis());
    const link = await connect(bin, { url: server.url });
    const sessions = createSessionStore<string>({ records: redisSessionRecords({ link, name: 'web' }), ttl: '1h' });
    const otps = createOtpStore({ records: redisOtpRecords({ link }), name: 'login', secret });
    const all = async (): Promise<string> => {
      let text = '';
      for (const key of (await server.command('KEYS', '*')) as string[]) {
        expect([key, Number(await server.command('PTTL', key)) > 0]).toEqual([key, true]);
        const type = await server.command('TYPE', key);
        text += `${key} ${JSON.stringify(await server.command(type === 'hash' ? 'HGETALL' : 'GET', key))}\n`;
      }
      return text;
    };
    const session = await sessions.start('data');
    const { code } = await otps.issue('ada@example.com');
    expect((await all()).split('\n')).toHaveLength(3);
    for (const kept of [session.id, code, 'ada']) expect((await all()).includes(kept)).toBe(false);
    await sessions.save(session, 'more');
    await sessions.touch(session.id);
    await otps.verify('ada@example.com', '1');
    await all();
    await sessions.end(session.id);
    await otps.verify('ada@example.com', code);
    expect(await all()).toMatch(/^spillway:session:v1:\S+ "1E"\n$/);
  });

  test('an ACL user with the rights of the README can use them', async () => {
    const server = bin.keep(await startRedis());
    await server.command('ACL', 'SETUSER', 'few', 'on', '>secret', ...rights, ...forSessions, ...forOtps);
    const link = await connect(bin, { url: server.url, username: 'few', password: 'secret' });
    const sessions = createSessionStore<string>({ records: redisSessionRecords({ link, name: 'web' }), ttl: '1h' });
    const otps = createOtpStore({ records: redisOtpRecords({ link }), name: 'login', secret });
    const session = await sessions.start('a');
    expect((await sessions.save(session, 'b')).outcome).toBe('saved');
    expect(await sessions.touch(session.id)).toBe('prolonged');
    await sessions.end(session.id);
    expect(await sessions.get(session.id)).toBeUndefined();
    const { code } = await otps.issue('ada');
    expect((await otps.verify('ada', code)).outcome).toBe('accepted');
    await otps.revoke('ada');
  });

  test('a key that holds something else is an error, not an answer', async () => {
    const server = bin.keep(await startRedis());
    const link = await connect(bin, { url: server.url });
    const sessions = createSessionStore<string>({ records: redisSessionRecords({ link, name: 'web' }), ttl: '1h' });
    const session = await sessions.start('a');
    const key = String(((await server.command('KEYS', '*')) as string[])[0]);
    await server.command('SET', key, 'something else', 'PX', 60_000);
    await expect(sessions.get(session.id)).rejects.toThrow('answered "something else" where a session was expected');
    await expect(sessions.save(session, 'b')).rejects.toThrow('the key holds something else than a session');
    await server.command('DEL', key);
    await server.command('RPUSH', key, 'a', 'list');
    await expect(sessions.get(session.id)).rejects.toThrow('WRONGTYPE');
    await server.command('FLUSHALL');
    await server.command('SCRIPT', 'FLUSH');
    expect(await sessions.get(session.id)).toBeUndefined();
    expect(await sessions.save(session, 'b')).toEqual({ outcome: 'ended' });
  });

  test('a Redis that is full is an error', async () => {
    const server = bin.keep(await startRedis());
    const link = await connect(bin, { url: server.url });
    const sessions = createSessionStore<string>({ records: redisSessionRecords({ link, name: 'web' }), ttl: '1h' });
    const otps = createOtpStore({ records: redisOtpRecords({ link }), name: 'login', secret });
    const session = await sessions.start('a');
    const { code } = await otps.issue('ada');
    await server.command('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
    await server.command('CONFIG', 'SET', 'maxmemory', '1');
    await expect(sessions.start('b')).rejects.toThrow('OOM');
    await expect(otps.verify('ada', code)).rejects.toThrow('OOM');
    expect((await sessions.get(session.id))?.data).toBe('a');
  });
});
