import { type SqlRunner, seededRandom } from '@spillway/kernel';
import { describe, expect, inject, test, vi } from 'vitest';
import { formatCursor, parseCursor } from '../../src/clicks/raw-clicks.ts';
import { readChanges } from '../../src/requests/changes.ts';
import { listRequests } from '../../src/requests/list-requests.ts';
import { requestMigrations } from '../../src/requests/migrations.ts';
import { readOffenders } from '../../src/requests/offenders.ts';
import { outcomeOf, type RequestRecord, showClient } from '../../src/requests/request.ts';
import { forgetRequests, startRetention } from '../../src/requests/retention.ts';
import { createRequestWriter } from '../../src/requests/write-requests.ts';
import { openClickDatabase } from '../support/click-databases.ts';

const [MINUTE_MS, HOUR_MS, DAY_MS] = [60_000, 3_600_000, 86_400_000];
const START = Date.UTC(2026, 0, 10);
const SEED = Number(process.env.SPILLWAY_SEED ?? 11);

const request = (given: Partial<RequestRecord> = {}): RequestRecord => ({
  atMs: START,
  client: -1n,
  key: 'key_a',
  method: 'GET',
  route: '/api/v1/links',
  status: 200,
  policy: 'api',
  cost: 1,
  weight: 1,
  ...given,
});

describe.each(['sqlite', 'postgres'] as const)('on %s', (dialect) => {
  const open = async () => {
    const opened = await openClickDatabase(dialect, inject('postgresUrl'), requestMigrations);
    const { sql } = opened.database;
    const write = createRequestWriter({ dialect });
    return Object.assign(opened, {
      sql,
      write: (records: readonly RequestRecord[]) => sql.transaction((transaction) => write(transaction, records)),
    });
  };

  test('what a request says comes back as it was, hostile texts included', async () => {
    await using tables = await open();
    const keys = ['{a,b}', 'NULL', '"', '\\', "'; DROP TABLE requests; --", '\u{1f600}', '$1', 'a\tb', '[1,"2"]'];
    await tables.write(keys.map((key, at) => request({ key, atMs: START + at, status: 429, weight: 100, cost: 7 })));
    const { requests } = await listRequests(tables.sql, {}, { limit: 100 });
    expect(requests.map(({ key }) => key)).toEqual(keys.toReversed());
    expect(requests.at(-1)).toEqual({
      atMs: START,
      key: '{a,b}',
      client: 'ffffffffffffffff',
      method: 'GET',
      route: '/api/v1/links',
      status: 429,
      outcome: 'limited',
      policy: 'api',
      cost: 7,
      weight: 100,
    });
  });

  test('pages have every request once, whatever is filtered and what comes between', async () => {
    await using tables = await open();
    const batch = Array.from({ length: 40 }, (_, at) =>
      request({
        atMs: START + (at >> 3),
        cost: at,
        key: at % 2 === 0 ? 'key_a' : '',
        status: at % 4 === 0 ? 429 : 200,
      }),
    );
    await tables.write(batch);
    const filters = [
      [{}, () => true],
      [{ key: 'key_a' }, ({ key }: RequestRecord) => key === 'key_a'],
      [{ outcome: 'limited' }, ({ status }: RequestRecord) => status === 429],
      [
        { client: showClient(-1n), fromMs: START + 1, toMs: START + 3 },
        ({ atMs }: RequestRecord) => atMs > START && atMs < START + 3,
      ],
      [{ client: showClient(1n) }, () => false],
      [{ route: '/api/v1/links' }, () => true],
      [{ route: '/nothing' }, () => false],
    ] as const;
    for (const [filter, matches] of filters) {
      const seen: number[] = [];
      let cursor: string | undefined;
      do {
        const after = cursor === undefined ? undefined : parseCursor(cursor);
        const page = await listRequests(tables.sql, filter, { after, limit: 7 });
        seen.push(...page.requests.map(({ cost }) => cost));
        cursor = page.next && formatCursor(page.next);
      } while (cursor !== undefined);
      const expected = batch.filter(matches).map(({ cost }) => cost);
      expect(
        [...seen].sort((a, b) => a - b),
        JSON.stringify(filter),
      ).toEqual(expected);
    }
    const first = await listRequests(tables.sql, {}, { limit: 20 });
    await tables.write([request({ atMs: START + DAY_MS, cost: 99 })]);
    const second = await listRequests(tables.sql, {}, { limit: 100, after: first.next });
    expect(second.requests.map(({ cost }) => cost)).not.toContain(99);
    expect(new Set([...first.requests, ...second.requests].map(({ cost }) => cost)).size).toBe(40);
  });

  test(`G6: offenders of any range are a plain count of its requests, by key and by client (SPILLWAY_SEED=${SEED})`, async () => {
    await using tables = await open();
    const random = seededRandom(SEED);
    const pick = <Item>(items: readonly Item[]) => items[Math.floor(random() * items.length)] as Item;
    const all = Array.from({ length: 4_000 }, () =>
      request({
        atMs: START + Math.floor(random() * 30 * HOUR_MS),
        client: BigInt(Math.floor(random() ** 2 * 40)),
        key: pick(['', 'key_a', 'key_b', 'key_c']),
        route: pick(['/:code', '/api/v1/links', 'none']),
        ...pick([
          ...[200, 302, 429, 429, 404, 401, 422, 503].map((status) => ({ status })),
          { status: 200, denied: true as const },
        ]),
        weight: pick([1, 1, 100]),
        cost: pick([1, 5]),
      }),
    );
    // Several writers at once, as several instances are.
    const writers = Array.from({ length: 4 }, () => createRequestWriter({ dialect }));
    await Promise.all(
      writers.map(async (write, writer) => {
        for (let from = writer * 1_000; from < (writer + 1) * 1_000; from += 250) {
          await tables.sql.transaction((transaction) => write(transaction, all.slice(from, from + 250)));
        }
      }),
    );
    const ranges = [
      [0, 30 * 60],
      [61, 59 * 7],
      [5, 6],
      [10, 70],
      [60, 120],
      [59, 61],
      ...Array.from({ length: 10 }, () => [Math.floor(random() * 900), 901 + Math.floor(random() * 900)]),
    ] as [number, number][];
    for (const [from, to] of ranges) {
      const [fromMs, toMs] = [START + from * MINUTE_MS, START + to * MINUTE_MS];
      for (const [by, route] of [
        ['key', undefined],
        ['client', undefined],
        ['client', '/:code'],
      ] as const) {
        const found = await readOffenders(tables.sql, { by, fromMs, toMs, route, limit: 1_000 });
        const inRange = all.filter(
          (each) => each.atMs >= fromMs && each.atMs < toMs && (route === undefined || each.route === route),
        );
        const subjectOf =
          by === 'key' ? ({ key }: RequestRecord) => key : ({ client }: RequestRecord) => showClient(client);
        const expected = Object.entries(Object.groupBy(inRange, subjectOf)).flatMap(([subject, theirs = []]) => {
          if (subject === '') return [];
          const sum = (matches: (each: RequestRecord) => boolean, of = ({ weight }: RequestRecord) => weight) =>
            theirs.filter(matches).reduce((total, each) => total + of(each), 0);
          const [requests, limited] = [sum(() => true), sum(({ status }) => status === 429)];
          return [
            {
              subject,
              requests,
              limited,
              limitedShare: limited / requests,
              notFound: sum(({ status }) => status === 404),
              unauthorized: sum(({ status }) => status === 401),
              refused: sum(({ status }) => status === 422),
              failed: sum(({ status }) => status === 503),
              cost: sum(
                () => true,
                ({ cost, weight }) => cost * weight,
              ),
              denied: sum(({ denied }) => denied === true),
              recorded: theirs.length,
            },
          ];
        });
        type Entry = (typeof expected)[number];
        const bySubject = (a: Entry, b: Entry) => (a.subject < b.subject ? -1 : 1);
        expect(found.mostRequests, `${by} ${from}-${to}`).toEqual(
          expected.toSorted((a, b) => b.requests - a.requests || b.limited - a.limited || bySubject(a, b)),
        );
        expect(found.mostLimited, `${by} ${from}-${to}`).toEqual(
          expected
            .filter(({ limited }) => limited > 0)
            .toSorted((a, b) => b.limited - a.limited || b.requests - a.requests || bySubject(a, b)),
        );
        const misses = ({ notFound, unauthorized }: Entry) => notFound + unauthorized;
        expect(found.mostMisses, `${by} ${from}-${to}`).toEqual(
          expected
            .filter((entry) => misses(entry) > 0)
            .toSorted((a, b) => misses(b) - misses(a) || b.requests - a.requests || bySubject(a, b)),
        );
      }
    }
  });

  test('a rate that rises suddenly is seen, one that is high as ever is not, and a young log tells nothing', async () => {
    await using tables = await open();
    const minutes = (count: number, from: number, to: number, given: Partial<RequestRecord>) =>
      Array.from({ length: to - from }, (_, at) => at + from).flatMap((minute) =>
        Array.from({ length: count }, (_, each) => request({ atMs: START + minute * MINUTE_MS + each, ...given })),
      );
    const ask = (minute: number, windowMinutes = 5) =>
      readChanges(tables.sql, {
        by: 'key',
        windowMs: windowMinutes * MINUTE_MS,
        toMs: START + minute * MINUTE_MS,
        limit: 10,
      });
    await tables.write([
      ...minutes(20, 0, 70, { key: 'busy' }),
      ...minutes(4, 0, 65, { key: 'risen' }),
      ...minutes(40, 65, 70, { key: 'risen', status: 429 }),
      ...minutes(10, 65, 70, { key: 'new' }),
      ...minutes(3, 65, 70, { key: 'small' }),
    ]);
    expect(await ask(70)).toEqual({
      windows: 12,
      changes: [
        { subject: 'new', requests: 50, limited: 0, baseline: 0, spread: 1, score: 50 },
        {
          subject: 'risen',
          requests: 200,
          limited: 200,
          baseline: 20,
          spread: Math.sqrt(20),
          score: 180 / Math.sqrt(20),
        },
      ],
    });
    expect((await ask(65)).changes).toEqual([]);
    // 3 windows of 5 minutes before the last one, and then not quite.
    expect((await ask(20)).windows).toBe(3);
    expect(await ask(19)).toEqual({ windows: 0, changes: [] });
    expect(await ask(-100)).toEqual({ windows: 0, changes: [] });
    // In one hour after another there is no rise of the risen one, since the hour before is not over.
    expect((await ask(70, 60)).windows).toBe(0);
  });

  test(`abuse shows among much honest traffic: who hammers, who guesses, whose rate rose (SPILLWAY_SEED=${SEED})`, async () => {
    await using tables = await open();
    const random = seededRandom(SEED);
    const NOW = 120;
    /** So many a minute, as chance would have it, from minute `from` on. */
    const visits = (perMinute: number, from: number, given: Partial<RequestRecord>): RequestRecord[] =>
      Array.from({ length: Math.round(perMinute * (NOW - from)) }, () =>
        request({ atMs: START + Math.floor((from + random() * (NOW - from)) * MINUTE_MS), ...given }),
      );
    const people = Array.from({ length: 100 }, (_, at) => [
      ...visits(1, 0, { client: BigInt(1_000 + at), key: '', route: '/:code', status: 302 }),
      ...visits(0.1, 0, { client: BigInt(1_000 + at), key: '', route: '/:code', status: 404 }),
    ]).flat();
    const programs = [1, 5, 10, 40].flatMap((rate, at) => visits(rate, 0, { client: BigInt(at), key: `key_${at}` }));
    // A proxy with a whole company behind it: much, but as ever, and rarely for nothing.
    const company = [
      ...visits(60, 0, { client: 500n, key: '', route: '/:code', status: 302 }),
      ...visits(0.3, 0, { client: 500n, key: '', route: '/:code', status: 404 }),
    ];
    const [hammering, guessing, picking] = [666n, 667n, 668n];
    await tables.write([
      ...people,
      ...programs,
      ...company,
      ...visits(30, 100, { client: hammering, key: 'key_hammer', status: 429 }),
      // Slower than any limit.
      ...visits(3, 30, { client: guessing, key: '', route: '/:code', status: 404 }),
      ...visits(2, 60, { client: picking, key: '', status: 401 }),
      ...visits(25, NOW - 5, { client: 2n, key: 'key_1' }),
    ]);
    const toMs = START + NOW * MINUTE_MS;
    const offenders = (by: 'key' | 'client') => readOffenders(tables.sql, { by, fromMs: START, toMs, limit: 3 });
    const subjects = (list: readonly { readonly subject: string }[]) => list.map(({ subject }) => subject);
    const clients = await offenders('client');
    expect(subjects(clients.mostLimited)).toEqual([showClient(hammering)]);
    expect(subjects(clients.mostMisses)).toEqual([guessing, picking, 500n].map(showClient));
    expect(subjects(clients.mostRequests)).toEqual([500n, 3n, 2n].map(showClient));
    expect(subjects((await offenders('key')).mostLimited)).toEqual(['key_hammer']);
    const changes = (by: 'key' | 'client', minute: number) =>
      readChanges(tables.sql, { by, windowMs: 5 * MINUTE_MS, toMs: START + minute * MINUTE_MS, limit: 10 });
    // Whoever was silent before stands out until half of the windows know it; and nobody honest does at any time.
    expect(subjects((await changes('key', NOW)).changes)).toEqual(['key_hammer', 'key_1']);
    expect(subjects((await changes('key', 105)).changes)).toEqual(['key_hammer']);
    expect(subjects((await changes('client', 105)).changes)).toEqual([showClient(hammering)]);
    for (let minute = 65; minute < 95; minute += 5) expect((await changes('key', minute)).changes).toEqual([]);
  });

  test('G7: what is too old goes, in rows and roll-ups, and the rest stays', async () => {
    await using tables = await open();
    const old = Array.from({ length: 5_000 }, (_, at) => request({ atMs: START + at, client: BigInt(at) }));
    for (const half of [old.slice(0, 2_500), old.slice(2_500)]) await tables.write(half);
    await tables.write([request({ atMs: START + 3 * DAY_MS }), request({ atMs: START + 4 * DAY_MS })]);
    const counts = async () => {
      const { rows } = await tables.sql.query<Record<'rows' | 'minutes' | 'hours', number>>(
        `SELECT (SELECT count(*) FROM requests) AS rows, (SELECT count(*) FROM request_minutes) AS minutes,
           (SELECT count(*) FROM request_hours) AS hours`,
      );
      return rows[0];
    };
    await forgetRequests(tables.sql, START);
    expect(await counts()).toMatchObject({ rows: 5_002 });
    await forgetRequests(tables.sql, START + 3 * DAY_MS);
    // Two requests, each of them under its key and its client.
    expect(await counts()).toEqual({ rows: 2, minutes: 4, hours: 4 });
    await forgetRequests(tables.sql, START + 3 * DAY_MS);
    // What comes late is written all the same, by a writer that knew the day.
    const late = () => tables.write([request({ atMs: START })]);
    if (dialect === 'postgres') await expect(late()).rejects.toThrow(/no partition/);
    await late();
    expect(await counts()).toMatchObject({ rows: 3 });
  });

  test('G7: who is told to stop stops between two steps', async () => {
    await using tables = await open();
    await tables.write(Array.from({ length: 100 }, (_, at) => request({ client: BigInt(at) })));
    await forgetRequests(tables.sql, START + DAY_MS, AbortSignal.abort());
    expect((await listRequests(tables.sql, {}, { limit: 1_000 })).requests).toHaveLength(100);
  });
});

test('G7: on PostgreSQL a long report delays only the dropping of days, which gives up soon', async () => {
  await using opened = await openClickDatabase('postgres', inject('postgresUrl'), requestMigrations);
  const { sql } = opened.database;
  const write = createRequestWriter({ dialect: 'postgres' });
  await sql.transaction((transaction) => write(transaction, [request()]));
  const count = async (table: string) => (await sql.query(`SELECT 1 FROM ${table}`)).rowCount;
  const [begun, letGo] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const report = sql.transaction(async (transaction) => {
    await transaction.query('SELECT count(*) FROM requests');
    begun.resolve();
    await letGo.promise;
  });
  await begun.promise;
  const failed: unknown = await forgetRequests(sql, START + 2 * DAY_MS).catch((error: unknown) => error);
  const left = [await count('requests'), await count('request_minutes'), await count('request_hours')];
  letGo.resolve();
  await report;
  expect(String((failed as Error).cause ?? failed)).toMatch(/lock timeout/);
  expect(left).toEqual([1, 0, 0]);
  await forgetRequests(sql, START + 2 * DAY_MS);
  expect(await count('requests')).toBe(0);
});

test('every outcome has its status', () => {
  const statuses = [200, 302, 429, 404, 410, 401, 403, 400, 422, 500, 503];
  expect(statuses.map((status) => outcomeOf({ status }))).toEqual([
    'allowed',
    'allowed',
    'limited',
    'not-found',
    'not-found',
    'unauthorized',
    'unauthorized',
    'refused',
    'refused',
    'failed',
    'failed',
  ]);
});

test('G7: old requests are taken away a minute after the start and then every ten, and no more after the end', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'setInterval', 'clearTimeout', 'clearInterval'] });
  try {
    const steps: string[] = [];
    const query: SqlRunner['query'] = async (text) => {
      steps.push(text);
      return { rows: [], rowCount: 0 };
    };
    const sql = { dialect: 'sqlite', query, transaction: () => Promise.reject(new Error('none is needed')) } as const;
    const retention = startRetention({ sql, keepMs: DAY_MS, log: { debug: () => undefined } });
    const rounds = async () => {
      await vi.advanceTimersByTimeAsync(0);
      return steps.filter((text) => text.startsWith('DELETE FROM requests ')).length;
    };
    await vi.advanceTimersByTimeAsync(59_999);
    expect(await rounds()).toBe(0);
    await vi.advanceTimersByTimeAsync(1);
    expect(await rounds()).toBe(1);
    await vi.advanceTimersByTimeAsync(20 * MINUTE_MS);
    expect(await rounds()).toBe(3);
    await retention.close();
    await vi.advanceTimersByTimeAsync(20 * MINUTE_MS);
    expect(await rounds()).toBe(3);
  } finally {
    vi.useRealTimers();
  }
});
