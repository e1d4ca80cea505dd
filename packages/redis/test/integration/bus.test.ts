import type { Bus } from '@spillway/kernel';
import { createDatabaseIn, startPostgres, startRedis, until } from '@spillway/testkit';
import pg from 'pg';
import { describe, expect, inject, test } from 'vitest';
import { connectRedis, redisBus } from '../../src/index.ts';
import { notifyBus } from '../../src/postgres/index.ts';

interface Ground {
  open(instance: string): Bus & { readonly instance: string };
  /** Ends the connections on which buses listen. */
  cutListeners(): Promise<void>;
  /** Stands still, and goes on. */
  pause?(): void;
  resume?(): void;
  close(): Promise<void>;
}

async function redisGround(): Promise<Ground> {
  const redis = await startRedis();
  const opened: { close(): Promise<void> }[] = [];
  return {
    open: (instance) => {
      const link = connectRedis({ url: redis.url, deadline: '200ms' });
      const bus = redisBus(link, { instance });
      opened.push(link, bus);
      return Object.assign(Object.create(bus) as Bus, { instance });
    },
    cutListeners: async () => void (await redis.command('CLIENT', 'KILL', 'TYPE', 'pubsub')),
    pause: () => redis.pause(),
    resume: () => redis.resume(),
    close: async () => {
      for (const one of opened.reverse()) await one.close();
      await redis.close();
    },
  };
}

async function postgresGround(): Promise<Ground> {
  return postgresGroundIn(inject('postgresUrl'));
}

/** On a server of its own, which may stand still. */
async function ownPostgresGround(): Promise<Ground> {
  const postgres = await startPostgres({ fast: true });
  const ground = await postgresGroundIn(postgres.url);
  return {
    ...ground,
    pause: () => postgres.pause(),
    resume: () => postgres.resume(),
    close: async () => {
      await ground.close();
      await postgres.close();
    },
  };
}

async function postgresGroundIn(url: string): Promise<Ground> {
  const database = await createDatabaseIn(url);
  const admin = new pg.Pool({ connectionString: database.url, max: 1 });
  const opened: Bus[] = [];
  return {
    open: (instance) => {
      const connect = async () => {
        const client = new pg.Client({ connectionString: database.url, application_name: 'bus' });
        await client.connect();
        return client;
      };
      const bus = notifyBus({ connect, instance });
      opened.push(bus);
      return Object.assign(Object.create(bus) as Bus, { instance });
    },
    cutListeners: async () => {
      const kill = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'bus' AND datname = current_database()`;
      await admin.query(kill);
    },
    close: async () => {
      for (const bus of opened) await bus.close();
      await admin.end();
      await database.drop();
    },
  };
}

const live = (...buses: Bus[]) => until(() => buses.every((bus) => bus.live), { what: 'all to be live' });

describe.each([
  ['Redis', redisGround],
  ['PostgreSQL', postgresGround],
])('the bus over %s', (_, openGround) => {
  test('brings each message to every other instance, in order, whatever it holds', async () => {
    const ground = await openGround();
    try {
      const [a, b, c] = [ground.open('a'), ground.open('b'), ground.open('b')];
      await live(a, b, c);
      const heard: Record<string, string[]> = { a: [], b: [], c: [] };
      a.subscribe('topic', (message) => heard.a?.push(message));
      b.subscribe('topic', (message) => heard.b?.push(message));
      // The same name as `b`: another life, another publisher.
      c.subscribe('topic', (message) => heard.c?.push(message));
      b.subscribe('other', () => heard.b?.push('wrong topic'));
      const messages = [
        'plain',
        '',
        '\0 \n \u2028 {"json": [1]}',
        'half \ud800 pair',
        '🙂'.repeat(20_000),
        '🙂'.repeat(20_000),
        `${'x'.repeat(2_499)}🙂${'é'.repeat(9_000)}`,
        ...Array.from({ length: 200 }, (_, i) => `number ${i}`),
      ];
      for (const message of messages) a.publish('topic', message);
      await until(() => heard.b?.length === messages.length && heard.c?.length === messages.length);
      expect(heard.a).toEqual([]);
      for (const got of [heard.b, heard.c]) {
        // Not compared as a whole: a difference would print megabytes.
        expect(messages.filter((message, i) => got?.[i] !== message).map((message) => message.slice(0, 20))).toEqual(
          [],
        );
      }
    } finally {
      await ground.close();
    }
  });

  test('G5: whose subscription was cut is not live, and is told of the gap when it is whole again', async () => {
    const ground = await openGround();
    try {
      const [a, b] = [ground.open('a'), ground.open('b')];
      await live(a, b);
      let gaps = 0;
      b.onGap(() => {
        gaps += 1;
      });
      const heard: string[] = [];
      b.subscribe('topic', (message) => heard.push(message));
      await ground.cutListeners();
      await until(() => !b.live, { what: 'the cut to be noticed', everyMs: 1 });
      await live(a, b);
      expect(gaps).toBeGreaterThanOrEqual(1);
      a.publish('topic', 'after');
      await until(() => heard.includes('after'));
    } finally {
      await ground.close();
    }
  });

  test('a single instance is live by its own echo, and a message too long to send is a gap for the others', async () => {
    const ground = await openGround();
    try {
      const a = ground.open('a');
      await live(a);
      const b = ground.open('b');
      await live(a, b);
      const heard: string[] = [];
      let gaps = 0;
      b.subscribe('topic', (message) => heard.push(`${message.length}`));
      b.onGap(() => {
        gaps += 1;
      });
      a.publish('topic', 'x'.repeat(2_000_000));
      await until(() => gaps === 1, { what: 'the gap' });
      expect(heard).toEqual([]);
      await b.close();
      b.publish('topic', 'closed');
      expect(b.live).toBe(false);
      expect(a.live).toBe(true);
    } finally {
      await ground.close();
    }
  });
});

test.each([
  ['Redis', redisGround],
  ['PostgreSQL', ownPostgresGround],
])('G5: nobody is live on a %s that stands still, and everybody is when it goes on', async (_, openGround) => {
  const ground = await openGround();
  try {
    const [a, b] = [ground.open('a'), ground.open('b')];
    await live(a, b);
    const events: string[] = [];
    b.onGap(() => events.push('gap'));
    b.subscribe('topic', (message) => events.push(message));
    ground.pause?.();
    await until(() => !a.live && !b.live, { everyMs: 1 });
    // Lost: nobody sends it again. Or late: then it arrives. In both cases b knows.
    a.publish('topic', 'while it stood');
    ground.resume?.();
    await live(a, b);
    a.publish('topic', 'after');
    await until(() => events.includes('after'));
    expect(events.includes('gap') || events.includes('while it stood')).toBe(true);
  } finally {
    await ground.close();
  }
});
