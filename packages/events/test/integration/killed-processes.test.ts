import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type RedisServer, startRedis, type TemporaryDirectory, temporaryDirectory, until } from '@spillway/testkit';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import type { ChildSettings } from '../support/child.ts';
import { openPostgresAt, type TestPostgres } from '../support/open-sql.ts';
import { type Child, spawnChild } from '../support/spawn-child.ts';

let redis: RedisServer;
let postgres: TestPostgres;
let directory: TemporaryDirectory;
let children: Child[];

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.close());
beforeEach(async () => {
  postgres = await openPostgresAt(inject('postgresUrl'));
  directory = temporaryDirectory({ name: 'killed' });
  children = [];
});
afterEach(async () => {
  await Promise.all(children.map((child) => child.close()));
  await redis.command('FLUSHALL');
  await postgres.close();
  await directory.close();
});

const spawn = async (settings: Pick<ChildSettings, 'name' | 'role' | 'rate'>, transport: 'redis' | 'sql' = 'redis') => {
  const url = transport === 'redis' ? { redisUrl: redis.url } : {};
  const child = await spawnChild({ ...settings, ...url, postgresUrl: postgres.url, directory: directory.path });
  children.push(child);
  return child;
};

const published = (child: Child): number => Number(child.said('published')?.split(' ')[0] ?? 0);
const spooled = (child: Child): number => Number(child.said('spooled')?.split(' ')[0] ?? 0);
const countedOf = async (who: string): Promise<number[]> => (await postgres.counted()).get(who) ?? [];
const spoolDirectories = (name: string): string[] => {
  const path = join(directory.path, 'clicks', name);
  return existsSync(path) ? readdirSync(path).filter((entry) => !entry.startsWith('spillway.')) : [];
};
const range = (to: number) => Array.from({ length: to }, (_, index) => index + 1);

describe.each(['redis', 'sql'] as const)('over %s', (transport) => {
  test('G6: a killed producer loses at most its last 100 ms, and others count what it left, in order and once', async () => {
    const victim = await spawn({ name: 'victim', role: 'all', rate: 5 }, transport);
    const survivor = await spawn({ name: 'survivor', role: 'all', rate: 2 }, transport);
    await until(() => published(victim) > 1_000);
    const killedAt = Date.now();
    await victim.kill();
    await until(() => spoolDirectories('victim').length === 0, { timeoutMs: 30_000 });

    const counted = await countedOf('victim');
    expect(counted).toEqual(range(counted.length));
    // Exactly: whatever was said to be on disk is counted.
    expect(counted.length).toBeGreaterThanOrEqual(spooled(victim));
    // G6's bound; a process that got no turn for a while could not write either, so that counts on top.
    const lines = victim.all('published').map((line) => line.split(' ').map(Number));
    const starvedMs = Math.max(...lines.slice(-40).map(([, , delayMs = 0]) => delayMs));
    const due = lines.filter(([, at = 0]) => at <= killedAt - 100 - starvedMs).map(([n = 0]) => n);
    expect(counted.length).toBeGreaterThanOrEqual(Math.max(0, ...due));
    expect(survivor.all('drained')).toContain('victim');
    await survivor.stop();
    expect(await countedOf('survivor')).toEqual(range(published(survivor)));
  });
});

test('G6: SIGTERM loses nothing', async () => {
  const producer = await spawn({ name: 'web', role: 'all', rate: 20 });
  await until(() => published(producer) > 2_000);
  await producer.stop();
  const total = published(producer);
  expect(await countedOf('web')).toEqual(range(total));
  expect(JSON.parse(producer.said('closed') ?? '')).toMatchObject({ accepted: total, counted: total, pending: 0 });
  expect(spoolDirectories('web')).toEqual([]);
});

test('G6: a restart under the same name counts what the killed life left before its own', async () => {
  const first = await spawn({ name: 'web', role: 'producer', rate: 5 });
  await until(() => spooled(first) > 200);
  await first.kill();
  const second = await spawn({ name: 'web', role: 'producer', rate: 5 });
  await until(() => spooled(second) > 200);
  expect(await postgres.counted()).toEqual(new Map());
  const sink = await spawn({ name: 'sink', role: 'sink' });
  await until(() => second.all('drained').includes('web'), { timeoutMs: 30_000 });
  await second.stop();
  const counted = await countedOf('web');
  const restart = counted.lastIndexOf(1);
  expect(restart).toBeGreaterThanOrEqual(spooled(first));
  expect(counted.slice(0, restart)).toEqual(range(restart));
  expect(counted.slice(restart)).toEqual(range(published(second)));
  await sink.stop();
});

test('G6: consumers that are killed or stopped in the middle cost nothing but time', async () => {
  const producer = await spawn({ name: 'web', role: 'producer', rate: 10 });
  const killed = await spawn({ name: 'sink-1', role: 'sink' });
  const stopped = await spawn({ name: 'sink-2', role: 'sink' });
  await until(async () => (await countedOf('web')).length > 300);
  await killed.kill();
  stopped.pause();
  const fresh = await spawn({ name: 'sink-3', role: 'sink' });
  const upTo = published(producer);
  await until(async () => (await countedOf('web')).length > upTo, { timeoutMs: 40_000 });
  stopped.resume();
  await until(() => published(producer) > upTo + 500);
  await producer.stop();
  expect(await countedOf('web')).toEqual(range(published(producer)));
  await Promise.all([stopped.stop(), fresh.stop()]);
});

test('G6: everyone killed at once, again and again: what was on disk is counted once', async () => {
  const onDisk = new Map<string, number>();
  for (let round = 1; round <= 3; round += 1) {
    const names = [`a${round}`, `b${round}`];
    const all = await Promise.all(names.map((name) => spawn({ name, role: 'all', rate: 5 })));
    await until(() => all.every((child) => spooled(child) > 150));
    await Promise.all(all.map((child) => child.kill()));
    for (const child of all) onDisk.set(child.name, spooled(child));
  }
  const last = await spawn({ name: 'last', role: 'all' });
  await until(() => [...onDisk.keys()].every((name) => spoolDirectories(name).length === 0), { timeoutMs: 40_000 });
  for (const [name, least] of onDisk) {
    const counted = await countedOf(name);
    expect(counted).toEqual(range(counted.length));
    expect(counted.length).toBeGreaterThanOrEqual(least);
  }
  await last.stop();
});
