import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseCacheControl } from './cache-control.ts';
import type { Fields } from './fields.ts';
import { type Credentials, judge, type Terms } from './storable.ts';

const NOW = Date.UTC(2026, 0, 1);
const terms: Terms = {
  ttlMs: undefined,
  staleWhileRevalidateMs: 0,
  staleIfErrorMs: 0,
  keepMs: 86_400_000,
  maxBodyBytes: 1_000,
};
const nobody: Credentials = { authorization: false, cookie: false, identified: false };
const http = (ms: number) => new Date(NOW + ms).toUTCString();

function verdict(
  headers: Record<string, string>,
  {
    status = 200,
    from = nobody,
    more = {},
    asked = {},
  }: { status?: number; from?: Partial<Credentials>; more?: Partial<Terms>; asked?: Record<string, string> } = {},
) {
  const fields: Fields = Object.entries(headers);
  const header = (name: string) => asked[name];
  const found = judge(status, fields, { ...nobody, ...from, header }, { ...terms, ...more }, NOW);
  return found.storable ? found.allowance.freshMs / 1000 : found.because;
}

const cc = (value: string, more: Record<string, string> = {}) => ({ 'cache-control': value, ...more });
const authorized = { from: { authorization: true } };
const withCookie = { from: { cookie: true } };
const known = { from: { authorization: true, cookie: true, identified: true } };

describe('what is stored, and for how many seconds', () => {
  test.each<[string, ReturnType<typeof verdict>, number | string]>([
    ['says nothing', verdict({}), 'no-freshness'],
    ['says nothing, the route has a ttl', verdict({}, { more: { ttlMs: 5_000 } }), 5],
    ['says only public, the route has a ttl', verdict(cc('public'), { more: { ttlMs: 5_000 } }), 5],
    ['max-age', verdict(cc('max-age=60')), 60],
    ['max-age before the ttl of the route', verdict(cc('max-age=60'), { more: { ttlMs: 5_000 } }), 60],
    ['max-age=0', verdict(cc('max-age=0'), { more: { ttlMs: 5_000 } }), 'no-freshness'],
    ['max-age in capitals and quotes', verdict(cc('MAX-AGE="60"')), 60],
    ['s-maxage before max-age', verdict(cc('max-age=60, s-maxage=10')), 10],
    ['s-maxage=0 before max-age', verdict(cc('max-age=60, s-maxage=0')), 'no-freshness'],
    ['max-age twice: the least', verdict(cc('max-age=60, max-age=10')), 10],
    ['max-age that is no number', verdict(cc('max-age=soon'), { more: { ttlMs: 5_000 } }), 'no-freshness'],
    ['max-age below 0', verdict(cc('max-age=-1')), 'no-freshness'],
    ['max-age without a value', verdict(cc('max-age')), 'no-freshness'],
    ['max-age beyond all bounds', verdict(cc('max-age=99999999999999999999')), 86_400],
    ['Expires', verdict({ expires: http(30_000), date: http(0) }), 30],
    ['Expires, counted from Date', verdict({ expires: http(30_000), date: http(-10_000) }), 30],
    ['Expires in the past', verdict({ expires: http(-1_000) }), 'no-freshness'],
    ['Expires: 0', verdict({ expires: '0' }, { more: { ttlMs: 5_000 } }), 'no-freshness'],
    ['max-age before Expires', verdict(cc('max-age=60', { expires: http(-1_000) })), 60],
    ['Age is taken off', verdict(cc('max-age=60', { age: '20' })), 40],
    ['an old Date is taken off', verdict(cc('max-age=60', { date: http(-20_000) })), 40],
    ['older than it may be', verdict(cc('max-age=60', { age: '70' })), 'no-freshness'],
    ['no-store', verdict(cc('no-store, max-age=60')), 'no-store'],
    ['no-store with must-understand', verdict(cc('must-understand, no-store, max-age=60')), 'no-store'],
    ['private', verdict(cc('private, max-age=60')), 'private'],
    ['private with field names', verdict(cc('private="x-name", max-age=60')), 'private'],
    ['private, for a known user', verdict(cc('private, max-age=60'), known), 'private'],
    ['no-cache', verdict(cc('no-cache, max-age=60')), 'no-cache'],
    ['no-cache with field names', verdict(cc('no-cache="a, b", max-age=60')), 'no-cache'],
    ['Pragma: no-cache, nothing else', verdict({ pragma: 'no-cache' }, { more: { ttlMs: 5_000 } }), 'no-cache'],
    ['no-store in the quotes of another', verdict(cc('x="no-store", max-age=60')), 60],
    ['quotes that do not end', verdict(cc('max-age=60, x="')), 'no-store'],
    ['nothing that can be read', verdict(cc('max-age=60; no-store')), 'no-store'],
    ['Set-Cookie', verdict(cc('public, max-age=60', { 'set-cookie': 'a=b' })), 'set-cookie'],
    ['Set-Cookie, for a known user', verdict(cc('max-age=60', { 'set-cookie': 'a=b' }), known), 'set-cookie'],
    ['Clear-Site-Data', verdict(cc('max-age=60', { 'clear-site-data': '"cookies"' })), 'set-cookie'],
    ['Vary: *', verdict(cc('max-age=60', { vary: 'accept, *' })), 'vary'],
    ['Vary on what is no name', verdict(cc('max-age=60', { vary: 'a b' })), 'vary'],
    ['an event stream', verdict(cc('max-age=60', { 'content-type': 'text/event-stream' })), 'stream'],
    ['longer than the bound', verdict(cc('max-age=60', { 'content-length': '1001' })), 'too-large'],
    ['as long as the bound', verdict(cc('max-age=60', { 'content-length': '1000' })), 60],
    ['asked with Authorization', verdict(cc('max-age=60'), authorized), 'credentials'],
    ['the same, and the route has a ttl', verdict({}, { ...authorized, more: { ttlMs: 5_000 } }), 'credentials'],
    ['the same, and public', verdict(cc('public, max-age=60'), authorized), 60],
    ['the same, and s-maxage', verdict(cc('s-maxage=60'), authorized), 60],
    ['the same, and must-revalidate', verdict(cc('max-age=60, must-revalidate'), authorized), 60],
    ['asked with a cookie', verdict(cc('max-age=60'), withCookie), 'credentials'],
    ['the same, and public', verdict(cc('public, max-age=60'), withCookie), 60],
    ['the same, and must-revalidate', verdict(cc('max-age=60, must-revalidate'), withCookie), 'credentials'],
    ['asked by a known user', verdict(cc('max-age=60'), known), 60],
    ...[200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501].map(
      (status): [string, ReturnType<typeof verdict>, number] => [
        `${status} with the ttl of the route`,
        verdict({}, { status, more: { ttlMs: 5_000 } }),
        5,
      ],
    ),
    ...[201, 202, 302, 303, 307, 400, 403, 409, 429, 500, 503].map(
      (status): [string, ReturnType<typeof verdict>, string] => [
        `${status} with the ttl of the route`,
        verdict({}, { status, more: { ttlMs: 5_000 } }),
        'no-freshness',
      ],
    ),
    ['302 that says so', verdict(cc('max-age=60'), { status: 302 }), 60],
    ...[101, 103, 206, 304, 401, 407].map((status): [string, ReturnType<typeof verdict>, string] => [
      `${status}, whatever it says`,
      verdict(cc('public, max-age=60'), { status }),
      'status',
    ]),
  ])('%s', (_name, found, expected) => {
    expect(found).toBe(expected);
  });
});

describe('stale answers', () => {
  const windows = (control: string) => {
    const usual = { ...terms, staleWhileRevalidateMs: 1_000, staleIfErrorMs: 2_000 };
    const found = judge(200, [['cache-control', control]], { ...nobody, header: () => undefined }, usual, NOW);
    if (!found.storable) return found.because;
    return [found.allowance.staleWhileRevalidateMs, found.allowance.staleIfErrorMs];
  };
  test.each([
    ['max-age=60', [1_000, 2_000]],
    ['max-age=60, stale-while-revalidate=7, stale-if-error=9', [7_000, 9_000]],
    ['max-age=60, stale-while-revalidate=0', [0, 2_000]],
    ['max-age=60, must-revalidate, stale-if-error=9', [0, 0]],
    ['max-age=60, proxy-revalidate, stale-while-revalidate=7', [0, 0]],
    ['s-maxage=60', [0, 0]],
    ['s-maxage=60, stale-while-revalidate=7', [7_000, 0]],
    ['max-age=0, stale-while-revalidate=7', [7_000, 2_000]],
  ])('%s', (control, expected) => {
    expect(windows(control)).toEqual(expected);
  });
});

describe('what it varies on', () => {
  const vary = (headers: Record<string, string>, asked: Record<string, string> = {}) => {
    const fields: Fields = Object.entries({ 'cache-control': 'max-age=60', ...headers });
    const found = judge(200, fields, { ...nobody, header: (name) => asked[name] }, terms, NOW);
    return found.storable ? found.allowance.vary : found.because;
  };
  test.each([
    ['nothing', vary({}), []],
    ['what it names, sorted, once', vary({ vary: 'Origin, Accept,, ORIGIN' }), ['accept', 'origin']],
    ['an encoding, said or not', vary({ 'content-encoding': 'gzip' }), ['accept-encoding']],
    [
      'the origin that it allows, said or not',
      vary({ 'access-control-allow-origin': 'https://a' }, { origin: 'https://a' }),
      ['origin'],
    ],
    ['not on an origin for all', vary({ 'access-control-allow-origin': '*' }, { origin: 'https://a' }), []],
  ])('%s', (_name, found, expected) => {
    expect(found).toEqual(expected);
  });
});

test('no Cache-Control makes the parser hang or throw, and none that says no-store is missed', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (before, after) => {
      parseCacheControl(before + after);
      if (!before.includes('"')) expect(parseCacheControl(`${before},no-store,${after}`).has('no-store')).toBe(true);
    }),
  );
});
