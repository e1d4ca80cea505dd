import { parseList } from 'structured-headers';
import { describe, expect, test } from 'vitest';
import { serialiseCacheStatus } from './cache-status.ts';
import { isNotModified, rangeOf } from './preconditions.ts';

const header = (fields: Record<string, string>) => (name: string) => fields[name];
const DAY = 'Thu, 01 Jan 2026 00:00:00 GMT';

describe('what the client has already', () => {
  test.each<[string, string, Record<string, string>, boolean]>([
    ['the tag', '"a"', { 'if-none-match': '"a"' }, true],
    ['the tag, one of several', '"a"', { 'if-none-match': '"x", W/"a" ,"y"' }, true],
    ['a weak one', 'W/"a"', { 'if-none-match': '"a"' }, true],
    ['anything', '"a"', { 'if-none-match': '*' }, true],
    ['another', '"a"', { 'if-none-match': '"b"' }, false],
    ['a comma in a tag', '"b"', { 'if-none-match': '"a,"b"' }, false],
    ['no quotes', '"a"', { 'if-none-match': 'a' }, false],
    ['the tag counts, and not the date', '"a"', { 'if-none-match': '"b"', 'if-modified-since': DAY }, false],
    ['the date', '"a"', { 'if-modified-since': DAY }, true],
    ['an older date', '"a"', { 'if-modified-since': 'Wed, 31 Dec 2025 23:59:59 GMT' }, false],
    ['no date', '"a"', { 'if-modified-since': 'yesterday' }, false],
  ])('%s', (_name, etag, asked, expected) => {
    const fields = [
      ['etag', etag],
      ['last-modified', DAY],
    ] as const;
    expect(isNotModified(200, fields, header(asked))).toBe(expected);
    expect(isNotModified(404, fields, header(asked))).toBe(false);
  });
});

describe('a part of ten bytes', () => {
  test.each<[string, Record<string, string>, ReturnType<typeof rangeOf>]>([
    ['bytes=0-4', {}, { from: 0, to: 4 }],
    ['bytes=5-', {}, { from: 5, to: 9 }],
    ['bytes=5-99', {}, { from: 5, to: 9 }],
    ['bytes=-3', {}, { from: 7, to: 9 }],
    ['bytes=-99', {}, { from: 0, to: 9 }],
    ['bytes=-0', {}, 'unsatisfiable'],
    ['bytes=10-', {}, 'unsatisfiable'],
    ['bytes=4-3', {}, undefined],
    ['bytes=0-1,3-4', {}, undefined],
    ['bytes=-', {}, undefined],
    ['lines=0-1', {}, undefined],
    ['bytes=0-4', { 'if-range': '"a"' }, { from: 0, to: 4 }],
    ['bytes=0-4', { 'if-range': '"b"' }, undefined],
    ['bytes=0-4', { 'if-range': 'W/"a"' }, undefined],
    ['bytes=0-4', { 'if-range': DAY }, { from: 0, to: 4 }],
  ])('%s %o', (range, more, expected) => {
    const fields = [
      ['etag', '"a"'],
      ['last-modified', DAY],
    ] as const;
    expect(rangeOf(200, fields, 10, header({ range, ...more }))).toEqual(expected);
  });

  test('of an empty body there is none', () => {
    expect(rangeOf(200, [], 0, header({ range: 'bytes=0-' }))).toBe('unsatisfiable');
  });
});

describe('Cache-Status', () => {
  test.each(['pages', 'my pages', 'a"b\\c', 'ü;hit', '9lives'])(
    'is a structured field for a cache named %s',
    (name) => {
      const member = serialiseCacheStatus(name, {
        fwd: 'uri-miss',
        status: 200,
        stored: true,
        ttlMs: 1_999,
        key: 'a"b',
      });
      const [[item, parameters]] = parseList(member) as [[unknown, Map<string, unknown>]];
      expect(String(item)).toBe(name.replace('ü', '?'));
      expect([parameters.get('fwd-status'), parameters.get('stored'), parameters.get('ttl')]).toEqual([200, true, 1]);
      expect([String(parameters.get('fwd')), parameters.get('key')]).toEqual(['uri-miss', 'a"b']);
    },
  );
});
