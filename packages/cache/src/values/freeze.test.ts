import { describe, expect, test } from 'vitest';
import { freezeDeep } from './freeze.ts';

describe('freezeDeep', () => {
  test('what a caller gets from the cache can not be changed, at any depth', () => {
    const value = { a: { b: [1, { c: 2 }] }, m: new Map([['k', { x: 1 }]]), s: new Set([1]), d: new Date(0) };
    freezeDeep(value);
    expect(() => Object.assign(value.a, { b: 1 })).toThrow(TypeError);
    expect(() => value.a.b.push(3)).toThrow(TypeError);
    expect(() => Object.assign(value.a.b[1] as object, { c: 3 })).toThrow(TypeError);
    expect(() => value.m.set('k', { x: 2 })).toThrow(/structuredClone/);
    expect(() => value.m.clear()).toThrow(TypeError);
    expect(() => Object.assign(value.m.get('k') as object, { x: 2 })).toThrow(TypeError);
    expect(() => value.s.add(2)).toThrow(TypeError);
    expect(() => value.d.setFullYear(1999)).toThrow(TypeError);
    expect(value.d.getTime()).toBe(0);
  });

  test('a frozen Map, Set and Date still read, compare and copy as what they are', () => {
    const value = { m: new Map([[1, 2]]), s: new Set([1]), d: new Date(5) };
    freezeDeep(value);
    expect(value.m).toBeInstanceOf(Map);
    expect(value.m.get(1)).toBe(2);
    expect([...value.s]).toEqual([1]);
    expect(value.d.toISOString()).toBe('1970-01-01T00:00:00.005Z');
    const copy = structuredClone(value);
    copy.m.set(3, 4);
    copy.d.setTime(0);
    expect(copy.m.size).toBe(2);
  });

  test('ends on cycles and on any depth', () => {
    const cycle: { self?: unknown } = {};
    cycle.self = cycle;
    freezeDeep(cycle);
    expect(Object.isFrozen(cycle)).toBe(true);
    let deep: { next?: unknown } = {};
    const innermost = deep;
    for (let i = 0; i < 100_000; i += 1) deep = { next: deep };
    freezeDeep(deep);
    expect(Object.isFrozen(innermost)).toBe(true);
  });

  test('leaves bytes usable, and takes primitives as they are', () => {
    const bytes = new Uint8Array([1, 2]);
    expect(freezeDeep({ bytes }).bytes).toBeGreaterThan(2);
    expect(bytes[0]).toBe(1);
    for (const value of [1, 'x', null, undefined, true, 5n]) expect(freezeDeep(value).bytes).toBeGreaterThanOrEqual(0);
  });

  test('a larger value weighs more', () => {
    expect(freezeDeep('x'.repeat(1_000)).bytes).toBeGreaterThanOrEqual(1_000);
    const list = freezeDeep(Array.from({ length: 1_000 }, (_, i) => ({ id: i }))).bytes;
    expect(list).toBeGreaterThan(1_000 * 16);
  });
});
