import { checkCountedOnce, checkLoss, openLoad, redirectsSeen, temporaryDirectory, until } from '@spillway/testkit';
import { expect, test } from 'vitest';
import { nowMs } from '../support/cluster-client.ts';
import { startEmbedded } from '../support/spillway.ts';

const NAME = 'alone';

test('G6: embedded, killed with SIGKILL three times under load: every link that was answered is there, and at most the clicks of the last 100 ms are not', async () => {
  await using directory = temporaryDirectory({ name: 'embedded-kill' });
  const env = { DATA_DIR: directory.path, INSTANCE: NAME, LIMIT_REDIRECT: 'off', TRUSTED_PROXIES: 'loopback' };
  await using service = await startEmbedded(env);
  const headers = { 'x-api-key': service.adminKey, 'content-type': 'application/json' };
  const create = async (body: object): Promise<string | undefined> => {
    const answer = await fetch(`${service.url}/api/v1/links`, { method: 'POST', headers, body: JSON.stringify(body) });
    return answer.status === 201 ? ((await answer.json()) as { code: string }).code : undefined;
  };
  await create({ url: 'https://example.org/', alias: 'kills' });
  await using load = openLoad({
    url: service.url,
    // Each visit can be told from all others by what is kept of it.
    requests: [{ path: '/kills', headers: { Referer: 'https://visit-{{n}}.example/' } }],
    clients: 1_000,
    connections: 16,
    rate: 600,
    servedBy: 'x-served-by',
  });
  const answered: string[] = [];
  let creating = true;
  const creations = Promise.all(
    Array.from({ length: 4 }, async (_, who) => {
      for (let i = 0; creating; i += 1) {
        // While the service is down nothing is answered, and nothing is promised.
        const code = await create({ url: `https://example.org/${who}/${i}` }).catch(() => undefined);
        if (code === undefined) await until(async () => !creating || (await fetch(`${service.url}/healthz`)).ok);
        else answered.push(code);
      }
    }),
  );
  const kills: { by: string; fromMs: number; untilMs: number }[] = [];
  for (let round = 0; round < 3; round += 1) {
    const before = { visits: load.progress.statuses['302'] ?? 0, links: answered.length };
    await until(
      () => (load.progress.statuses['302'] ?? 0) > before.visits + 500 && answered.length > before.links + 50,
      { timeoutMs: 60_000, what: 'the load to go on' },
    );
    const killedMs = nowMs();
    await service.kill();
    kills.push({ by: NAME, fromMs: Math.floor(killedMs) - 100, untilMs: Math.ceil(nowMs()) });
    await service.start();
  }
  creating = false;
  await creations;
  const report = await load.stop();

  const get = async (path: string) => (await fetch(`${service.url}/api/v1/${path}`, { headers })).json();
  const pending = async () => {
    const text = await (await fetch(`${service.url}/metrics`)).text();
    return /^spillway_links_clicks_pending (\d+)$/m.exec(text)?.[1];
  };
  await until(async () => (await pending()) === '0', { timeoutMs: 30_000, what: 'every click to be counted' });
  const visits: string[] = [];
  for (let cursor: string | null = ''; cursor !== null; ) {
    const query: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const page = (await get(`links/kills/clicks?limit=1000${query}`)) as {
      data: { referrer: string }[];
      nextCursor: string | null;
    };
    visits.push(...page.data.map(({ referrer }) => /visit-(\d+)/.exec(referrer)?.[1] ?? referrer));
    cursor = page.nextCursor;
  }
  const sent = Array.from({ length: report.sent }, (_, n) => String(n));
  expect(checkCountedOnce(sent, visits)).toEqual([]);
  const { totals } = (await get('links/kills/stats')) as { totals: { clicks: number } };
  expect(visits).toHaveLength(totals.clicks);
  const loss = {
    seen: Object.values(report.redirects)
      .flat()
      .reduce((sum, [, count]) => sum + count, 0),
    counted: totals.clicks,
    unanswered: Object.values(report.errors).reduce((sum, count) => sum + count, 0),
    kills: kills.map(({ by, ...window }) => ({ by, seenInWindow: redirectsSeen(report, { server: by, ...window }) })),
  };
  expect(checkLoss(loss)).toEqual([]);
  expect(loss.seen).toBeGreaterThan(1_500);
  expect(new Set(answered).size).toBe(answered.length);
  for (const code of answered) {
    expect((await fetch(`${service.url}/${code}`, { redirect: 'manual' })).status, code).toBe(302);
  }
});
