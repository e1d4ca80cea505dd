import { expect, test } from 'vitest';
import { cloneDeep } from './clone.ts';
import { freezeDeep } from './freeze.ts';

test('a clone is equal, of the same types, and may be changed without changing anything for others', () => {
  const date = new Date(5);
  const make = () => ({
    date,
    map: new Map<unknown, unknown>([[{ a: 1 }, [date]]]),
    set: new Set([new Date(7)]),
    bytes: Buffer.from('ab'),
    floats: new Float32Array([1.5]),
    list: [1, undefined, null, NaN, -0, 5n],
    bare: Object.assign(Object.create(null) as object, { x: 1 }),
    own: JSON.parse('{"__proto__":{"y":1}}') as object,
  });
  const value = make();
  freezeDeep(value);
  const copy = cloneDeep(value);
  expect(copy).toStrictEqual(make());
  expect(copy.map.values().next().value).toEqual([copy.date]);
  copy.date.setTime(6);
  copy.map.set('b', 1);
  copy.set.clear();
  copy.bytes[0] = 0;
  copy.floats[0] = 0;
  copy.list.push(1);
  Object.assign(copy, { more: true });
  expect(value).toEqual(make());
  expect(Object.getPrototypeOf(copy.own)).toBe(Object.prototype);
});

test('what is one object in the value is one in its clone, cycles included, at any depth', () => {
  interface Node {
    next?: Node;
    twice?: readonly unknown[];
  }
  const leaf = {};
  const first: Node = { twice: [leaf, leaf] };
  let last = first;
  for (let i = 0; i < 50_000; i += 1) {
    last.next = {};
    last = last.next;
  }
  last.next = first;
  freezeDeep(first);
  const copy = cloneDeep(first);
  expect(copy.twice?.[0]).toBe(copy.twice?.[1]);
  expect(copy.twice?.[0]).not.toBe(leaf);
  let end = copy;
  for (let i = 0; i < 50_001; i += 1) end = end.next as Node;
  expect(end).toBe(copy);
});

test('a list with holes keeps its length; primitives are themselves', () => {
  const holes = [1];
  holes[2] = 3;
  expect(cloneDeep(holes)).toStrictEqual(holes);
  for (const value of [undefined, null, 5, 'a', 5n]) expect(cloneDeep(value)).toBe(value);
});

test('an instance of a class is refused, with its name', () => {
  class Money {
    readonly cents = 5;
  }
  expect(() => cloneDeep({ price: new Money() })).toThrow('an instance of Money');
});
