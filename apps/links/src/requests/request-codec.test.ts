import { expect, test } from 'vitest';
import { openCountries } from '../clicks/countries.ts';
import { createIdentify } from '../clicks/identify.ts';
import { MAX_TEXT, type RequestRecord, readClient, showClient } from './request.ts';
import { createAnsweredEncoder, requestCodec } from './request-codec.ts';

const record: RequestRecord = {
  atMs: 1_700_000_000_123,
  client: -81985529216486896n,
  key: 'key_"\u{1f600}',
  method: 'POST',
  route: '/api/v1/links/:code',
  status: 429,
  policy: 'api',
  cost: 1_000,
  weight: 100,
};

test('a batch comes back as it was, and long texts come back cut', () => {
  expect(requestCodec.decode(requestCodec.encode([record, { ...record, key: '' }]))).toEqual([
    record,
    { ...record, key: '' },
  ]);
  const denied = { ...record, status: 200, denied: true } as const;
  expect(requestCodec.decode(requestCodec.encode([denied, record]))).toEqual([denied, record]);
  const [long] = requestCodec.decode(requestCodec.encode([{ ...record, route: 'x'.repeat(5_000) }]));
  expect(long?.route).toHaveLength(MAX_TEXT);
  expect(requestCodec.decode(requestCodec.encode([]))).toEqual([]);
});

test('an address is in no batch, only the hash that clicks have of it', () => {
  const identify = createIdentify({ secret: 'a-secret-for-this-test', countries: openCountries('off') });
  const { client: _, ...facts } = record;
  const ip = '203.0.113.77';
  const body = createAnsweredEncoder(identify)([{ ...facts, ip }]);
  expect(Buffer.from(body).toString('utf8')).not.toContain(ip);
  const own = new DataView(new ArrayBuffer(8));
  identify(ip, own, 0);
  expect(requestCodec.decode(body)).toEqual([{ ...facts, client: own.getBigInt64(0, true) }]);
});

test('addresses of one IPv6 /64 are one client, as they are limited, and IPv4 in IPv6 is IPv4', () => {
  const identify = createIdentify({ secret: 'a-secret-for-this-test', countries: openCountries('off') });
  const { client: _, ...facts } = record;
  const clientsOf = (...ips: readonly string[]) => {
    const decoded = requestCodec.decode(createAnsweredEncoder(identify)(ips.map((ip) => ({ ...facts, ip }))));
    return new Set(decoded.map(({ client }) => client)).size;
  };
  expect(clientsOf('2001:db8::1', '2001:db8::ffff:2', '2001:DB8:0:0:1::')).toBe(1);
  expect(clientsOf('2001:db8::1', '2001:db8:0:1::1')).toBe(2);
  expect(clientsOf('203.0.113.77', '::ffff:203.0.113.77')).toBe(1);
});

test('a hash is shown and read without loss', () => {
  for (const client of [0n, -1n, 2n ** 63n - 1n, -(2n ** 63n)]) expect(readClient(showClient(client))).toBe(client);
});

test.each([
  '',
  '{}',
  '[2]',
  '[1,[]]',
  '[1,[1,"x","","","",200,"",1,1]]',
  '[1,[1,"0000000000000000","","","",200,"",1,1,"else"]]',
  '[1,[1.5,"0000000000000000","","","",200,"",1,1]]',
])('%s is no batch', (text) => {
  expect(() => requestCodec.decode(Buffer.from(text))).toThrow(TypeError);
});
