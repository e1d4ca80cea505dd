/**
 * A cache instance in a process of its own, driven by lines on stdin. Its loader reads the row from a second Redis; `hold` makes it
 * wait between reading and returning.
 */
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { createCache } from '@spillway/cache';
import { redisCacheStore } from '@spillway/cache/redis';
import { StoreUnavailableError } from '@spillway/kernel';
import { connectRedis, redisBus } from '@spillway/redis';
import type { InstanceAnswer, InstanceCommand, InstanceSettings } from './instance-settings.ts';

const settings = JSON.parse(process.env.INSTANCE ?? '{}') as InstanceSettings;
const link = connectRedis({ url: settings.redisUrl, deadline: settings.deadline });
const truth = connectRedis({ url: settings.truthUrl, deadline: '20s' });
const busLink = settings.busUrl === undefined ? undefined : connectRedis({ url: settings.busUrl, deadline: '5s' });
const bus = busLink === undefined ? undefined : redisBus(busLink, { instance: settings.name });
const open = () =>
  createCache<string>({
    name: settings.cache,
    ttl: settings.ttl ?? '1h',
    l2: redisCacheStore({ link }),
    ...(bus === undefined ? {} : { bus }),
    ...(settings.l1 === undefined ? {} : { l1: settings.l1 }),
    loads: { concurrent: 50, queued: 100_000, hardTimeout: '30s', across: settings.across ?? 'process' },
  });
const cache = open();
const handles = [cache, ...Array.from({ length: (settings.handles ?? 1) - 1 }, open)];

let held: PromiseWithResolvers<void> | undefined;
let loading = 0;
let loads = 0;
let truthAway = false;

const load = async (key: string): Promise<string | undefined> => {
  loads += 1;
  if (truthAway) throw new StoreUnavailableError('truth');
  const row = await truth.command<string | null>('GET', [`truth:${key}`]);
  loading += 1;
  await held?.promise;
  loading -= 1;
  if (truthAway) throw new StoreUnavailableError('truth');
  return row ?? undefined;
};

async function run(command: InstanceCommand): Promise<unknown> {
  const { key = '', value = '' } = command;
  switch (command.do) {
    case 'look':
      return await cache.look(key, load, command.tag === undefined ? {} : { tags: [command.tag] });
    case 'stampede': {
      const callers = handles.flatMap((handle) => Array.from({ length: Number(value) }, () => handle));
      return [...new Set(await Promise.all(callers.map((handle) => handle.get(key, load))))];
    }
    case 'peek':
      return cache.peek(key)?.state ?? 'nothing';
    case 'plant':
      return await truth.command('SET', [`truth:${key}`, value]);
    case 'write':
      await truth.command('SET', [`truth:${key}`, value]);
      return await cache.invalidate({ key });
    case 'invalidate':
      return await cache.invalidate({ key });
    case 'write-tagged':
      await truth.command('SET', [`truth:${key}`, value]);
      return await cache.invalidate({ tags: [command.tag ?? ''] });
    case 'set':
      await truth.command('SET', [`truth:${key}`, value]);
      return await cache.set(key, value);
    case 'hold':
      held = Promise.withResolvers();
      return;
    case 'release':
      held?.resolve();
      held = undefined;
      return;
    case 'truth-away':
      truthAway = true;
      return;
    case 'truth-back':
      truthAway = false;
      return;
    case 'stats':
      return { ...cache.stats(), loading, loads, live: bus?.live ?? false, link: link.state };
    case 'soak':
      return await soak(key.split(','), Number(value));
    default:
      return command.do satisfies never;
  }
}

/** Reads and writes for so many milliseconds, and says what it saw and when. Versions only ever rise. */
async function soak(keys: readonly string[], forMs: number): Promise<unknown> {
  const until = Date.now() + forMs;
  const seen: [at: number, key: string, version: number, from: string][] = [];
  const written: [answeredAt: number, key: string, version: number][] = [];
  let failed = 0;
  const readOn = async (key: string): Promise<void> => {
    while (Date.now() < until) {
      try {
        const { value, from } = await cache.look(key, load);
        seen.push([Date.now(), key, Number(value), from]);
      } catch {
        failed += 1;
      }
      await pause(5);
    }
  };
  const writeOn = async (): Promise<void> => {
    while (Date.now() < until) {
      for (const key of keys) {
        const version = await truth.command<number>('INCR', [`truth:${key}`]);
        await cache.invalidate({ key });
        written.push([Date.now(), key, version]);
      }
      await pause(100);
    }
  };
  await Promise.all([...keys.map(readOn), writeOn()]);
  return { seen, written, failed };
}

const answer = (line: InstanceAnswer): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

await Promise.all([link.ready(), truth.ready(), busLink?.ready()]);
process.stdout.write('ready\n');
for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line) as InstanceCommand;
  run(command).then(
    (result) => answer({ id: command.id, result }),
    (error: unknown) => answer({ id: command.id, error: String(error) }),
  );
}
process.exit(0);
