import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type CacheRequest, digest, normaliseQuery, pathUnit, resourceOf, variantOf } from './request-key.ts';

const request = (target: string, more: Partial<CacheRequest> = {}): CacheRequest => ({
  method: 'GET',
  scheme: 'http',
  host: 'a.example',
  target,
  header: () => undefined,
  ...more,
});
const key = (target: string, more: Partial<CacheRequest> = {}) => digest(resourceOf(request(target, more)));

describe('the key of a request', () => {
  test('is the same for one query in another order', () => {
    expect(key('/a?x=1&y=2')).toBe(key('/a?y=2&x=1'));
    expect(key('/a', { host: 'A.example' })).toBe(key('/a'));
  });

  test.each([
    ['values of one name', '/a?x=1&x=2', '/a?x=2&x=1'],
    ['one name, written in two ways', '/a?x=1&%78=2', '/a?%78=2&x=1'],
    ['one list, written in two ways', '/a?x[]=1&x[0]=2', '/a?x[0]=2&x[]=1'],
    ['brackets that are encoded', '/a?x%5B%5D=1&x=2', '/a?x=2&x%5B%5D=1'],
    ['names that can not be decoded', '/a?%ff=1&%fe=2', '/a?%fe=2&%ff=1'],
    ['one parameter of two lines', '/a?x=1%26y=2', '/a?x=1&y=2'],
    ['no query and an empty one', '/a', '/a?'],
    ['a path and a query', '/a?b', '/a%3Fb'],
    ['a case', '/a', '/A'],
  ])('tells apart: %s', (_name, one, other) => {
    expect(key(one)).not.toBe(key(other));
  });

  test('tells schemes and hosts apart', () => {
    for (const target of ['/a', '/a?x=1']) {
      const keys = [key(target), key(target, { scheme: 'https' }), key(target, { host: 'b.example' })];
      expect(new Set(keys).size).toBe(3);
    }
  });

  test('is never the same for what any parser could tell apart', () => {
    const pair = fc
      .tuple(fc.constantFrom('a', 'b', '%61', 'a[]', ''), fc.constantFrom('1', '2', ''))
      .map((x) => x.join('='));
    const parse = (query: string) => {
      const names = new Map<string, string[]>();
      for (const [name, value] of new URLSearchParams(query)) {
        const base = name.split('[', 1)[0] ?? '';
        names.set(base, [...(names.get(base) ?? []), `${name}=${value}`]);
      }
      return JSON.stringify([...names].sort());
    };
    fc.assert(
      fc.property(fc.array(pair, { maxLength: 5 }), fc.array(pair, { maxLength: 5 }), (one, other) => {
        const [a, b] = [one.join('&'), other.join('&')];
        if (digest(normaliseQuery(a)) === digest(normaliseQuery(b))) expect(parse(a)).toBe(parse(b));
      }),
    );
  });

  test('is not made of what is no path, or without end', () => {
    expect([resourceOf(request('http://other/')), resourceOf(request('*'))]).toEqual([undefined, undefined]);
    expect(resourceOf(request(`/${'a'.repeat(1_000_000)}`))).toBeUndefined();
    expect(resourceOf(request(`/?${'a&'.repeat(500_000)}`))).toBeUndefined();
  });
});

describe('what a purge of a path means', () => {
  test.each([
    '/users/7',
    '/users/7/',
    '/Users/7',
    '/users/%37',
    '/%75sers//7',
    '/users/7?x=1',
    '/users/7#x',
    '/users\\7',
  ])('%s is /users/7', (target) => {
    expect(pathUnit(target)).toBe(pathUnit('/users/7'));
  });

  test('what was written in letters is what was encoded', () => {
    expect(pathUnit('/caf%C3%A9')).toBe(pathUnit('/café'));
    expect(pathUnit('/a/b')).not.toBe(pathUnit('/a'));
  });
});

describe('a variant', () => {
  const of = (fields: Record<string, string>, ...names: string[]) =>
    variantOf(request('/', { header: (name) => fields[name] }), names);

  test('is the named fields, absent ones too', () => {
    expect(of({ accept: 'a', origin: 'x' }, 'accept')).toBe(of({ accept: 'a', origin: 'y' }, 'accept'));
    expect(of({ accept: 'a' }, 'accept')).not.toBe(of({ accept: 'b' }, 'accept'));
    expect(of({}, 'accept')).not.toBe(of({ accept: '' }, 'accept'));
    expect(of({ accept: 'a , b' }, 'accept')).toBe(of({ accept: 'a,b' }, 'accept'));
    expect(of({ a: 'x","b' }, 'a', 'b')).not.toBe(of({ a: 'x', b: 'b' }, 'a', 'b'));
  });
});
