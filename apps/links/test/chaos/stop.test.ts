import { openLoad, until } from '@spillway/testkit';
import { expect, test } from 'vitest';
import { startCluster } from '../../../../scripts/cluster/start-cluster.ts';

test.each(['on', 'off'] as const)(
  'SIGTERM, each instance in turn, behind nginx under load: no request fails, and the exit code is 0 (Redis %s)',
  async (redis) => {
    const env = { LIMIT_REDIRECT: 'off', LIMIT_MISS: 'off' };
    await using cluster = await startCluster({ redis, env });
    const api = { 'x-api-key': cluster.adminKey, 'content-type': 'application/json' };
    const made = await fetch(`${cluster.url}/api/v1/links/batch`, {
      method: 'POST',
      headers: api,
      body: JSON.stringify({ links: Array.from({ length: 100 }, (_, i) => ({ url: `https://example.org/${i}` })) }),
    });
    const { results } = (await made.json()) as { results: { link: { code: string } }[] };
    await using visits = openLoad({
      url: cluster.url,
      requests: results.map(({ link }) => `/${link.code}`),
      clients: 10_000,
      connections: 24,
      rate: 600,
    });
    await using creations = openLoad({
      url: cluster.url,
      requests: [
        {
          method: 'POST',
          path: '/api/v1/links',
          headers: api,
          body: JSON.stringify({ url: 'https://example.org/made/{{n}}' }),
        },
      ],
      clients: 10_000,
      connections: 8,
      rate: 60,
    });
    // Sooner after each other than nginx takes an instance back that it has found away.
    for (const instance of cluster.instances) {
      const { answered } = visits.progress;
      await until(() => visits.progress.answered > answered + 100, { timeoutMs: 60_000, what: 'the load to go on' });
      expect(await instance.process.stop()).toEqual({ code: 0, signal: null });
      await instance.restart();
    }
    const [seen, posted] = await Promise.all([visits.stop(), creations.stop()]);
    expect([seen.statuses, seen.errors]).toEqual([{ 302: seen.sent }, {}]);
    expect([posted.statuses, posted.errors]).toEqual([{ 201: posted.sent }, {}]);
    const stats = async () => {
      const answer = await fetch(`${cluster.url}/api/v1/stats`, { headers: api });
      return ((await answer.json()) as { totals: { clicks: number } }).totals.clicks;
    };
    await until(async () => (await stats()) >= seen.sent, { timeoutMs: 30_000, what: 'all clicks to be counted' });
    expect(await stats()).toBe(seen.sent);
  },
);
