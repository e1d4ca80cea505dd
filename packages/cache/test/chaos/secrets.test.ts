import { createOtpStore } from '@spillway/cache/otp';
import { redisOtpRecords } from '@spillway/cache/redis/otp';
import { redisSessionRecords } from '@spillway/cache/redis/sessions';
import { createSessionStore } from '@spillway/cache/sessions';
import { StoreUnavailableError } from '@spillway/kernel';
import { spawnProcess, startFaultProxy, startRedis, until } from '@spillway/testkit';
import { afterEach, describe, expect, test } from 'vitest';
import { connect, createBin } from '../support/redis-fixture.ts';

const bin = createBin();
afterEach(() => bin.empty());
const secret = 'a secret of at least thirty-two bytes';

/** A Redis behind a proxy, and what goes through it, with a deadline that a hung one outlasts. */
async function world() {
  const server = bin.keep(await startRedis());
  const proxy = bin.keep(await startFaultProxy({ target: server }));
  const link = await connect(bin, { url: proxy.url(server.url), deadline: '300ms' });
  const direct = await connect(bin, { url: server.url });
  const storesOn = (through: typeof link) => ({
    sessions: createSessionStore<string>({ records: redisSessionRecords({ link: through, name: 'web' }), ttl: '1h' }),
    otps: createOtpStore({ records: redisOtpRecords({ link: through }), name: 'login', secret }),
  });
  return { server, proxy, link, ...storesOn(link), direct: storesOn(direct) };
}

describe('secrets fail closed', () => {
  test.each(['killed', 'hung'] as const)(
    'a %s Redis is an error for every call, and afterwards all goes on',
    async (how) => {
      const { server, proxy, link, sessions, otps } = await world();
      const session = await sessions.start('a');
      const { code } = await otps.issue('ada');
      if (how === 'hung') proxy.hang();
      else await server.kill();
      for (const call of [
        () => sessions.get(session.id),
        () => sessions.save(session, 'b'),
        () => sessions.touch(session.id),
        () => sessions.start('c'),
        () => otps.verify('ada', code),
        () => otps.issue('ada'),
        () => sessions.end(session.id),
        () => otps.revoke('ada'),
      ].slice(0, how === 'hung' ? 4 : undefined)) {
        await expect(call()).rejects.toThrow(StoreUnavailableError);
      }
      if (how === 'hung') await proxy.restore();
      else await server.restart();
      await until(() => link.state === 'up', { timeoutMs: 30_000 });
      // What was hung has kept its data; what was killed has lost it, and nobody invents it.
      const data = how === 'hung' ? 'a' : undefined;
      expect((await until(async () => ({ read: await sessions.get(session.id) }))).read?.data).toBe(data);
      expect((await otps.verify('ada', code)).outcome).toBe(how === 'hung' ? 'accepted' : 'refused');
      const again = await sessions.start('again');
      expect((await sessions.get(again.id))?.data).toBe('again');
    },
  );

  test('a write that was stuck on its way is refused when it arrives', async () => {
    const { server, sessions, otps, direct } = await world();
    const session = await sessions.start('a');
    await otps.issue('ada');
    server.pause();
    const stuck = [sessions.save(session, 'stuck'), otps.issue('ada'), sessions.touch(session.id)];
    for (const write of stuck) await expect(write).rejects.toThrow(StoreUnavailableError);
    server.resume();
    // Each has run by the time that the server has answered to somebody who came later.
    const read = await until(() => direct.sessions.get(session.id));
    expect(read).toMatchObject({ data: 'a', version: session.version });
    expect((await direct.sessions.save(session, 'b')).outcome).toBe('saved');
    const scripts = String(await server.command('INFO', 'commandstats'));
    expect(Number(/cmdstat_evalsha:calls=(\d+)/.exec(scripts)?.[1])).toBeGreaterThanOrEqual(3);
    expect((await direct.sessions.get(session.id))?.data).toBe('b');
  });

  test('a lost answer to the use of a code is an error, and the code is used', async () => {
    const { proxy, link, otps, direct } = await world();
    const { code } = await otps.issue('ada');
    await otps.verify('ada', 'wrong');
    let consumed = false;
    proxy.dropReplies(({ reply }) => {
      // The attempt is answered by an array, its use by a number.
      if (!reply.toString().startsWith(':1')) return false;
      consumed = true;
      return true;
    });
    await expect(otps.verify('ada', code)).rejects.toThrow(StoreUnavailableError);
    expect(consumed).toBe(true);
    await proxy.restore();
    expect(await direct.otps.verify('ada', code)).toEqual({ outcome: 'refused', reason: 'none' });
    await until(() => link.state === 'up', { timeoutMs: 30_000 });
  });

  test('of two processes that have one code, exactly one is accepted', async () => {
    const server = bin.keep(await startRedis());
    const otps = createOtpStore({
      records: redisOtpRecords({ link: await connect(bin, { url: server.url }) }),
      name: 'login',
      secret,
    });
    const said: string[] = [];
    const verifiers = ['one', 'two'].map((name) =>
      bin.keep(
        spawnProcess({
          name,
          module: new URL('../support/secrets/verifier.ts', import.meta.url),
          args: [server.url, secret],
          nodeArgs: ['--conditions=spillway-source'],
          readyWhen: (line) => line === 'ready',
          onLine: (line, from) => {
            if (from === 'stdout' && line !== 'ready') said.push(line);
          },
        }),
      ),
    );
    await Promise.all(verifiers.map(({ ready }) => ready));
    const rounds = 200;
    const codes = await Promise.all(Array.from({ length: rounds }, (_, n) => otps.issue(`user-${n}`)));
    const lines = codes.map(({ code }, n) => `user-${n} ${code}\n`).join('');
    for (const verifier of verifiers) verifier.write(lines);
    await until(() => said.length === 2 * rounds, { timeoutMs: 60_000 });
    const winners = said.filter((line) => line.endsWith(' accepted'));
    expect(winners).toHaveLength(rounds);
    expect(new Set(winners).size).toBe(rounds);
  });
});
