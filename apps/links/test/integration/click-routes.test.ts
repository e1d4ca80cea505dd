import { createDatabaseIn, until } from '@spillway/testkit';
import { describe, expect, inject, test } from 'vitest';
import type { z } from 'zod';
import type { clicksAnswer, statsAnswer } from '../../src/clicks/schemas.ts';
import { startEmbedded } from '../support/spillway.ts';

type StatsAnswer = z.output<typeof statsAnswer>;
type ClicksAnswer = z.output<typeof clicksAnswer>;

interface ProblemAnswer {
  readonly status: number;
  readonly errors: readonly { readonly field: string; readonly message: string }[];
}

const BROWSER = 'Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0';

describe.each(['sqlite', 'postgres'] as const)('on %s', (dialect) => {
  test('clicks show in statistics and in the list of clicks; what is asked wrongly is told with its remedy', async () => {
    const made = dialect === 'postgres' ? await createDatabaseIn(inject('postgresUrl')) : undefined;
    await using service = await startEmbedded(
      made === undefined ? {} : { DATABASE_URL: made.url, SPILLWAY_SECRET: 'secret-for-tests-0123' },
    );
    const api = (path: string, init: RequestInit = {}) =>
      fetch(`${service.url}/api/v1${path}`, {
        ...init,
        headers: { 'x-api-key': service.adminKey, 'content-type': 'application/json', ...init.headers },
      });
    const get = async <Answer>(path: string) => (await (await api(path)).json()) as Answer;
    await api('/links', { method: 'POST', body: '{"url":"https://example.com/","alias":"clicked"}' });

    const visit = (headers: Record<string, string>, method = 'GET') =>
      fetch(`${service.url}/clicked`, { method, redirect: 'manual', headers });
    await visit({ 'user-agent': BROWSER, referer: 'https://from.example/' });
    await visit({ 'user-agent': 'curl/8' });
    await visit({ 'user-agent': BROWSER }, 'HEAD');
    const stats = await until(async () => {
      const answer = await get<StatsAnswer>('/links/clicked/stats');
      return answer.totals.clicks >= 2 ? answer : undefined;
    });
    // Both came from here; HEAD is no click; curl is a bot, and one of the clicks.
    expect(stats.totals).toEqual({ clicks: 2, visitors: 1, bots: 1 });
    expect(stats.series).toHaveLength(30);
    expect(stats.series.at(-1)).toMatchObject({ clicks: 2, visitors: 1, bots: 1 });
    expect(stats.referrers).toEqual([
      { value: 'direct', clicks: 1 },
      { value: 'https://from.example/', clicks: 1 },
    ]);
    expect(stats.browsers).toContainEqual({ value: 'Firefox', clicks: 1 });
    expect((await get<StatsAnswer>('/stats')).totals).toEqual(stats.totals);
    expect((await get<{ clicks: number }>('/links/clicked')).clicks).toBe(2);

    const first = await get<ClicksAnswer>('/links/clicked/clicks?limit=1');
    const second = await get<ClicksAnswer>(`/links/clicked/clicks?limit=1&cursor=${first.nextCursor}`);
    expect(second.nextCursor).toBeNull();
    expect([...second.data, ...first.data]).toMatchObject([
      { bot: false, browser: 'Firefox', system: 'Linux', device: 'desktop', referrer: 'https://from.example/' },
      { bot: true, device: 'bot', referrer: 'direct' },
    ]);
    expect(JSON.stringify(first)).not.toContain('127.0.0.1');

    for (const [path, field, message] of [
      ['/links/clicked/stats?from=yesterday', 'query.from', /must be a time like .* got "yesterday"/],
      ['/links/clicked/stats?from=2026-02-30', 'query.from', /got "2026-02-30"/],
      ['/links/clicked/stats?interval=week', 'query.interval', /must be hour or day, got "week"/],
      ['/links/clicked/stats?from=2020-01-02&to=2020-01-01', 'query.from', /must be before "to"/],
      ['/stats?from=1971-01-01&interval=hour', 'query.from', /ask for interval=day or a shorter span/],
      ['/stats?form=2020-01-01', 'query.form', /is not known here/],
      ['/links/clicked/clicks?cursor=x', 'query.cursor', /must be the nextCursor of a page before, got "x"/],
      ['/links/clicked/clicks?limit=0', 'query.limit', /must be a whole number from 1 to 1000, got 0/],
    ] as const) {
      const answer = await api(path);
      const problem = (await answer.json()) as ProblemAnswer;
      expect(answer.status, path).toBe(422);
      expect(answer.headers.get('content-type'), path).toContain('application/problem+json');
      expect(problem.errors, path).toEqual([{ field, message: expect.stringMatching(message) }]);
    }
    expect((await api('/links/nothere/stats')).status).toBe(404);
    expect((await api('/links/nothere/clicks')).status).toBe(404);
    expect((await api('/stats', { headers: { 'x-api-key': 'wrong' } })).status).toBe(401);
    await service[Symbol.asyncDispose]();
    await made?.drop();
  });
});
