import type { IncomingMessage } from 'node:http';
import { expect, test } from 'vitest';
import { toPlainTarget } from './request-target.ts';

const requestFor = (url: string, rawHeaders: string[] = ['HOST', 'a.example']) =>
  ({ url, rawHeaders, headers: { host: rawHeaders[1] } }) as unknown as IncomingMessage;

test.each([
  ['/abc%79', '/abcy'],
  ['/%41%5a%61%7A%30%39%2d%2E%5f%7e', '/AZaz09-._~'],
  ['/%61?b=%61', '/a?b=%61'],
  ['http://b.example/abc', '/abc'],
  ['HTTPS://b.example:1/%61?b=%61', '/a?b=%61'],
  ['http://b.example', '/'],
  ['http://b.example?c', '/?c'],
])('%s is %s', (url, plain) => {
  const request = requestFor(url);
  expect(toPlainTarget(request)).toBe(true);
  expect(request.url).toBe(plain);
  expect(toPlainTarget(request)).toBe(false);
});

test.each([
  '/abc',
  '/a%20b',
  '/%2f%00%40%5b%60%7b%7f',
  '/%',
  '/%4',
  '/%zz',
  '/%c3%a4',
  '/a?%61',
  '*',
  'http://',
  'http://user@b.example/abc',
  'ftp://b.example/abc',
])('%s stays as it is', (url) => {
  const request = requestFor(url);
  expect(toPlainTarget(request)).toBe(false);
  expect(request.url).toBe(url);
  expect(request.rawHeaders).toEqual(['HOST', 'a.example']);
});

test('every octet that is not reserved is decoded, and no other', () => {
  for (let octet = 0; octet < 256; octet += 1) {
    const encoded = `/%${octet.toString(16).padStart(2, '0')}`;
    const character = String.fromCharCode(octet);
    const request = requestFor(encoded);
    toPlainTarget(request);
    expect(request.url, encoded).toBe(/[0-9A-Za-z._~-]/.test(character) ? `/${character}` : encoded);
  }
});

test('the host of a whole URL takes the place of the header, and stands in for one that is not there', () => {
  const request = requestFor('http://b.example:8080/abc');
  toPlainTarget(request);
  expect(request.rawHeaders).toEqual(['HOST', 'b.example:8080']);
  expect(request.headers.host).toBe('b.example:8080');
  const without = requestFor('http://b.example/abc', []);
  toPlainTarget(without);
  expect(without.rawHeaders).toEqual(['Host', 'b.example']);
});
