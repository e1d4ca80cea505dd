import { startPostgres } from '@spillway/testkit';
import { describe, expect, test } from 'vitest';
import { configurations, startInstances, startOwnRedis, temporaryDatabase } from '../support/cluster.ts';
import { ask } from '../support/cluster-client.ts';

const LIMIT = 30;
const body = {
  policy: { strategy: 'token-bucket', name: 'mails', capacity: LIMIT, refill: { tokens: 1, every: '10h' } },
  key: 'somebody',
};

describe.each(configurations)('three instances that have just started on $name', (configuration) => {
  test.each(['1', '3'])(
    'G3: with the store stopped in that moment they admit no more than the limit, with EXPECTED_INSTANCES=%s',
    async (expected) => {
      await using open = new AsyncDisposableStack();
      const redis = await startOwnRedis(configuration);
      open.defer(async () => redis?.close());
      const database = redis === undefined ? open.use(await startPostgres({ fast: true })) : undefined;
      const databaseUrl = database?.url ?? open.use(await temporaryDatabase()).url;
      const env = { EXPECTED_INSTANCES: expected };
      const instances = open.use(await startInstances({ databaseUrl, redisUrl: redis?.url, env }));
      (redis ?? database)?.pause();
      const checks = await Promise.all(
        Array.from({ length: 3 * LIMIT }, (_, i) =>
          ask<{ outcome: string }>(instances.at(i), 'POST', '/api/v1/limits/check', { body }),
        ),
      );
      expect(checks.map(({ status }) => status)).toEqual(checks.map(() => 200));
      expect(checks.filter(({ body: { outcome } }) => outcome === 'allowed')).toHaveLength(LIMIT);
    },
  );
});
