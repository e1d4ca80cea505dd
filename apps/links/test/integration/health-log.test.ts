import { startRedis, until } from '@spillway/testkit';
import { test } from 'vitest';
import { startInstances, temporaryDatabase } from '../support/cluster.ts';

test('when a dependency goes, and when it is back, is a line in the log', async () => {
  await using database = await temporaryDatabase();
  await using redis = await startRedis({ config: { 'maxmemory-policy': 'noeviction' } });
  const env = { LOG_LEVEL: 'info' };
  await using instances = await startInstances({ databaseUrl: database.url, redisUrl: redis.url, count: 1, env });
  const said = (text: string) => () => instances.at(0).process.stderr.some((line) => line.includes(text));
  await redis.kill();
  await until(said('redis is down: slower'), { timeoutMs: 20_000, what: 'a line about Redis' });
  await until(said('bus is down: changes show after up to 5 seconds'), {
    timeoutMs: 20_000,
    what: 'one about the bus',
  });
  await redis.restart();
  await until(said('redis is up again'), { timeoutMs: 20_000, what: 'a line about its return' });
});
