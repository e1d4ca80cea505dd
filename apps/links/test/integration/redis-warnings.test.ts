import { type ChildProcessHandle, startRedis, until } from '@spillway/testkit';
import { expect, test } from 'vitest';
import { startInstances, temporaryDatabase } from '../support/cluster.ts';

const warnings = ({ stderr }: ChildProcessHandle): string[] =>
  stderr
    .map((line) => JSON.parse(line) as { level: number; msg: string })
    .flatMap(({ level, msg }) => (level >= 40 ? [msg] : []));

const linesOf = ({ stderr }: ChildProcessHandle, text: string) => stderr.filter((line) => line.includes(text));

test('a start warns of a Redis that may evict limits, and not of what no promise needs', async () => {
  await using database = await temporaryDatabase();
  await using sound = await startRedis({ maxmemory: '100mb', config: { appendonly: 'no' } });
  await using evicting = await startRedis({ maxmemory: '100mb', config: { 'maxmemory-policy': 'allkeys-lru' } });
  const start = (redisUrl: string, env: Record<string, string>) =>
    startInstances({ databaseUrl: database.url, redisUrl, count: 1, env: { LOG_LEVEL: 'info', ...env } });
  {
    await using instances = await start(evicting.url, {});
    const { process } = instances.at(0);
    await until(() => linesOf(process, 'maxmemory-policy allkeys-lru evicts any key').length === 1);
    expect(warnings(process)).toHaveLength(1);
  }
  // By its end it has said all that it had to say.
  await using instances = await start(sound.url, { REDIS_CACHE_URL: evicting.url });
  const { process } = instances.at(0);
  await process.stop();
  expect(warnings(process)).toEqual([]);
});
