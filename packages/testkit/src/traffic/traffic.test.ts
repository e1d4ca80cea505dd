import { afterEach, beforeEach, expect, test } from 'vitest';
import { accessLog, parseLogLine } from './access-log.ts';
import { byPath, plainCount } from './plain-count.ts';
import { seededTraffic } from './seeded-traffic.ts';
import { urls } from './urls.ts';

const { SPILLWAY_DATA } = process.env;
beforeEach(() => {
  process.env.SPILLWAY_DATA = '/nowhere/at/all';
});
afterEach(() => {
  if (SPILLWAY_DATA === undefined) delete process.env.SPILLWAY_DATA;
  else process.env.SPILLWAY_DATA = SPILLWAY_DATA;
});

test('a line of a combined log is read in full', () => {
  const line = String.raw`2001:db8::1 - joe [17/May/2015:10:05:03 +0200] "GET /a?b=\"c\" HTTP/1.1" 200 - "-" "Agent \"x\" 1.0"`;
  expect(parseLogLine(line)).toEqual({
    ip: '2001:db8::1',
    atMs: Date.UTC(2015, 4, 17, 8, 5, 3),
    method: 'GET',
    path: String.raw`/a?b=\"c\"`,
    status: 200,
    bytes: 0,
    referrer: undefined,
    userAgent: String.raw`Agent \"x\" 1.0`,
    line,
  });
});

test('what is no line of a log is refused by name', () => {
  expect(() => parseLogLine('hello')).toThrow('"hello"');
});

test('without the shared data, the log is generated: the same for the same seed, in the same shape', async () => {
  const [log, again, other] = [
    await accessLog({ seed: 3 }),
    await accessLog({ seed: 3 }),
    await accessLog({ seed: 4 }),
  ];
  expect(log).toEqual(again);
  expect(log).not.toEqual(other);
  expect(log).toHaveLength(6_000);
  expect(byPath(log).size).toBeGreaterThan(500);
  expect(log.some((entry) => entry.userAgent?.includes('bot') === true)).toBe(true);
  expect(log.some((entry) => entry.referrer === undefined)).toBe(true);
  expect(log.map((entry) => entry.atMs)).toEqual(log.map((entry) => entry.atMs).toSorted((a, b) => a - b));
});

test('without the shared data, 20,000 different URLs are generated', async () => {
  const all = await urls({ seed: 3 });
  expect(new Set(all).size).toBe(20_000);
  for (const url of all) expect(URL.canParse(url)).toBe(true);
  expect(await urls({ seed: 3 })).toEqual(all);
});

test('the plain count counts clicks, visitors, hours and referrers', () => {
  const line = (ip: string, minute: string, referrer: string) =>
    parseLogLine(`${ip} - - [17/May/2015:10:${minute}:00 +0000] "GET / HTTP/1.1" 200 1 "${referrer}" "x"`);
  const count = plainCount([
    line('1.1.1.1', '00', 'b'),
    line('1.1.1.1', '59', 'a'),
    line('2.2.2.2', '30', 'b'),
    line('3.3.3.3', '01', '-'),
  ]);
  expect(count.clicks).toBe(4);
  expect(count.visitors).toBe(3);
  expect([...count.clicksByHour]).toEqual([[Date.UTC(2015, 4, 17, 10), 4]]);
  expect(count.referrers).toEqual([
    { value: 'b', clicks: 2 },
    { value: 'a', clicks: 1 },
  ]);
});

test('seeded traffic is the same for the same seed', () => {
  const codes = ['x', 'y', 'z'];
  const draw = (seed: number) => {
    const traffic = seededTraffic({ seed, codes });
    return Array.from({ length: 200 }, () => traffic.next().value);
  };
  expect(draw(5)).toEqual(draw(5));
  expect(draw(5)).not.toEqual(draw(6));
  expect(new Set(draw(5).map((visit) => visit.code))).toEqual(new Set(codes));
});
