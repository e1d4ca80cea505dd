import { accessLog, openLoad, until } from '@spillway/testkit';
import { expect, test } from 'vitest';
import { CONFIGURATIONS, startApiService } from '../support/api-client.ts';
import { createClientHash } from '../support/client-hash.ts';

/** Visits that a client has before it is limited: less than what the busiest clients of the log ask for. */
const BURST = 20;

interface Offender {
  readonly subject: string;
  readonly requests: number;
  readonly limited: number;
}

test.each(CONFIGURATIONS)(
  'G6: an access log is replayed: the offenders are a plain count of its clients, limited ones included (%s)',
  async (configuration) => {
    await using api = await startApiService(configuration, {
      REQUESTS_SAMPLE: '1',
      LIMIT_REDIRECT: `1/h burst ${BURST}`,
    });
    const log = await accessLog();
    const { code } = await api.create();
    await using load = openLoad({
      url: api.url.replace('localhost', '127.0.0.1'),
      requests: log.map(({ ip }) => ({ path: `/${code}`, headers: { 'X-Forwarded-For': ip } })),
      connections: 16,
      total: log.length,
    });
    const report = await load.done;
    expect(report.errors).toEqual({});

    const hashOf = createClientHash(api.instance.services.secret);
    const lines = new Map<string, { requests: number; limited: number }>();
    for (const [at, { ip }] of log.entries()) {
      const client = hashOf(ip);
      const counts = lines.get(client) ?? { requests: 0, limited: 0 };
      counts.requests += 1;
      // Each line was asked for once, and redirected or not.
      counts.limited += 1 - (report.redirectsByRequest[at] ?? 0);
      lines.set(client, counts);
    }
    const truth = [...lines].map(([subject, counts]) => ({ subject, ...counts }));
    const plain = new Map([...Map.groupBy(log, ({ ip }) => ip)].map(([ip, theirs]) => [ip, theirs.length]));
    const overLimit = [...plain.values()].reduce((sum, count) => sum + Math.max(0, count - BURST), 0);
    expect(truth.reduce((sum, { limited }) => sum + limited, 0)).toBe(report.statuses[429] ?? 0);
    expect(report.statuses[429]).toBeGreaterThan(overLimit / 2);

    const ask = async (path: string) => (await api.call('GET', `/api/v1/requests${path}`)).body;
    const answer = await until(
      async () => {
        const { events } = api.instance.services.requests;
        if (events?.stats().pending !== 0) return undefined;
        return ask('/offenders?by=client&route=/:code&limit=1000');
      },
      { timeoutMs: 30_000, what: 'every request to be counted' },
    );
    const facts = ({ subject, requests, limited }: Offender) => ({ subject, requests, limited });
    const bySubject = (a: Offender, b: Offender) => (a.subject < b.subject ? -1 : 1);
    expect(answer.mostRequests.map(facts)).toEqual(
      truth.toSorted((a, b) => b.requests - a.requests || b.limited - a.limited || bySubject(a, b)).slice(0, 1_000),
    );
    expect(answer.mostLimited.map(facts)).toEqual(
      truth
        .filter(({ limited }) => limited > 0)
        .toSorted((a, b) => b.limited - a.limited || b.requests - a.requests || bySubject(a, b))
        .slice(0, 1_000),
    );

    // And row by row.
    let [listed, cursor]: [number, string | null] = [0, ''];
    while (cursor !== null) {
      const page: { data: unknown[]; nextCursor: string | null } = await ask(
        `?route=/:code&limit=1000${cursor === '' ? '' : `&cursor=${cursor}`}`,
      );
      listed += page.data.length;
      cursor = page.nextCursor;
    }
    expect(listed).toBe(log.length);
  },
);
