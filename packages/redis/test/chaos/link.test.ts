import { setTimeout as pause } from 'node:timers/promises';
import { StoreUnavailableError, seededRandom } from '@spillway/kernel';
import { startFaultProxy, startRedis, until } from '@spillway/testkit';
import { describe, expect, test } from 'vitest';
import { connectRedis, defineScript } from '../../src/index.ts';

const seed = Number(process.env.SPILLWAY_SEED ?? Date.now() & 0x7fffffff);

const push = defineScript({
  name: 'test.push',
  source: "return redis.call('RPUSH', KEYS[1], ARGV[1])",
  keys: (_: number) => ['ran'],
  args: (id) => [id],
  reply: (raw) => raw as number,
});

describe(`a link under load and faults (SPILLWAY_SEED=${seed})`, () => {
  test('no write runs twice, no acknowledged one is missing, no refused one runs, and it always comes back', async () => {
    const random = seededRandom(seed);
    // `everysec` may hold the log's write back while it syncs: a killed server then loses what it had acknowledged.
    await using redis = await startRedis({ config: { appendonly: 'yes', appendfsync: 'always' } });
    await using proxy = await startFaultProxy({ target: redis });
    const link = connectRedis({ url: proxy.url(redis.url), deadline: '50ms' });
    await link.ready({ timeout: '10s' });

    const acknowledged: number[] = [];
    const refused: number[] = [];
    const unknown: number[] = [];
    const unexpected: unknown[] = [];
    let next = 0;
    let running = true;
    const write = async () => {
      const id = next++;
      try {
        await (id % 2 === 0 ? link.command('RPUSH', ['ran', id]) : link.run(push, id));
        acknowledged.push(id);
      } catch (error) {
        if (!(error instanceof StoreUnavailableError)) unexpected.push(error);
        else if (error.message.includes('is down')) refused.push(id);
        else unknown.push(id);
      }
    };
    const load = (async () => {
      while (running) {
        for (let i = 0; i < 5; i++) void write();
        await pause(2);
      }
    })();

    const faults: Record<string, () => Promise<unknown> | unknown> = {
      stop: async () => {
        redis.pause();
        await pause(50 + random() * 400);
        redis.resume();
      },
      kill: () => redis.restart(),
      'forget scripts': () => redis.command('SCRIPT', 'FLUSH'),
      cut: async () => {
        await proxy.cut();
        await pause(random() * 200);
      },
      hang: async () => {
        proxy.hang();
        await pause(random() * 300);
      },
      'lose replies': async () => {
        proxy.dropReplies(() => random() < 0.3, { afterwards: random() < 0.5 ? 'reset' : 'silence' });
        await pause(random() * 300);
      },
      'slow down': async () => {
        proxy.delay(random() * 120);
        await pause(random() * 300);
      },
      'kill connections': () => redis.command('CLIENT', 'KILL', 'TYPE', 'normal'),
    };
    const names = [...Object.keys(faults), ...Object.keys(faults), ...Object.keys(faults)];
    for (let i = names.length - 1; i > 0; i--) {
      const j = Math.floor(random() * (i + 1));
      [names[i], names[j]] = [names[j] as string, names[i] as string];
    }
    for (const name of names) {
      await faults[name]?.();
      await proxy.restore();
      const before = acknowledged.length;
      // Nobody helps: the load itself must get through again.
      await until(() => acknowledged.length > before + 20, {
        what: `the link to serve again after "${name}"`,
        timeoutMs: 20_000,
      });
    }
    running = false;
    await load;
    await until(() => acknowledged.length + refused.length + unknown.length + unexpected.length === next);
    await link.close();

    expect(unexpected).toEqual([]);
    expect(refused.length).toBeGreaterThan(0);
    expect(unknown.length).toBeGreaterThan(0);
    const ran = ((await redis.command('LRANGE', 'ran', 0, -1)) as string[]).map(Number);
    const set = new Set(ran);
    expect(ran.length - set.size, 'ran twice').toBe(0);
    expect(
      acknowledged.filter((id) => !set.has(id)),
      'acknowledged and missing',
    ).toEqual([]);
    expect(
      refused.filter((id) => set.has(id)),
      'refused and ran',
    ).toEqual([]);
  });
});
