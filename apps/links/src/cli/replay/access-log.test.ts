import { expect, test } from 'vitest';
import { parseLogLine } from './access-log.ts';

const line = (over: Partial<Record<'ip' | 'time' | 'request' | 'referrer' | 'agent' | 'tail', string>> = {}) => {
  const { ip = '192.0.2.1', time = '17/May/2015:10:05:03 +0000', request = 'GET /a?b HTTP/1.1' } = over;
  const { referrer = '-', agent = '-', tail = '' } = over;
  return `${ip} - - [${time}] "${request}" 200 5 "${referrer}" "${agent}"${tail}`;
};

test('a line of the combined format is read', () => {
  expect(parseLogLine(line({ referrer: 'http://r.example/', agent: 'Some "agent"'.replaceAll('"', '\\"') }))).toEqual({
    ip: '192.0.2.1',
    atMs: Date.UTC(2015, 4, 17, 10, 5, 3),
    method: 'GET',
    status: 200,
    path: '/a?b',
    referrer: 'http://r.example/',
    userAgent: 'Some "agent"',
  });
});

test('"-" is none, zones count, bytes in hexadecimal stay as they stand, and more may follow', () => {
  expect(parseLogLine(line())).toMatchObject({ referrer: undefined, userAgent: undefined });
  expect(parseLogLine(line({ time: '17/May/2015:10:05:03 +0230' }))).toMatchObject({
    atMs: Date.UTC(2015, 4, 17, 7, 35, 3),
  });
  expect(parseLogLine(line({ referrer: 'http://\\xe4\\\\/' }))).toMatchObject({ referrer: 'http://\\xe4\\/' });
  expect(parseLogLine(line({ ip: '2001:db8::1', request: 'HEAD / HTTP/2.0', tail: ' 0.005 "x"' }))).toMatchObject({
    path: '/',
  });
  expect(parseLogLine(line({ request: 'GET /old' }))).toMatchObject({ path: '/old' });
});

test.each([
  ['', 'is not in the combined format'],
  ['hello world', 'is not in the combined format'],
  [line({ time: '17/Foo/2015:10:05:03 +0000' }), 'has no time like'],
  [line({ time: 'yesterday' }), 'has no time like'],
  [line({ request: '-' }), 'has no request for a path'],
  [line({ request: '\\x16\\x03\\x01' }), 'has no request for a path'],
  [line({ request: 'CONNECT example.com:443 HTTP/1.1' }), 'has no request for a path'],
  [line({ ip: 'host.example' }), 'has no client address, but "host.example"'],
  [line({ ip: 'dead' }), 'has no client address, but "dead"'],
  [line({ ip: '1.2.3.4.5' }), 'has no client address, but "1.2.3.4.5"'],
  [line({ ip: '1.2.3.256' }), 'has no client address'],
  [line({ ip: '1::2::3' }), 'has no client address'],
  [line({ ip: 'fe80::1%eth0' }), 'has no client address'],
])('what is wrong with %j is said', (text, fault) => {
  expect(parseLogLine(text)).toMatchObject({ fault: expect.stringContaining(fault) });
});
