import { describe, expect, test } from 'vitest';
import { createL1, type L1Record } from './l1.ts';

const record = (value: string, valueBytes = 10): L1Record<string> => ({
  value,
  negative: false,
  freshUntilUs: 1,
  ceilingUs: 1,
  usableUntilUs: 1,
  epoch: 0,
  tagged: undefined,
  valueBytes,
});

const ignore = () => undefined;

describe('L1', () => {
  test('G7: never holds more entries than its bound, and says when it is reached', () => {
    const reached: string[] = [];
    const l1 = createL1<string>({ maxEntries: 3, maxBytes: 1e9 }, (bound) => reached.push(bound), 1);
    for (let i = 0; i < 5; i += 1) l1.put(`k${i}`, record(`v${i}`));
    expect(l1.entries).toBe(3);
    expect(l1.evicted).toBe(2);
    expect(reached).toEqual(['l1-entries', 'l1-entries']);
  });

  test('G7: never holds more bytes than its bound, also when values grow in place', () => {
    const l1 = createL1<string>({ maxEntries: 1000, maxBytes: 10_000 }, ignore, 1);
    for (let i = 0; i < 20; i += 1) l1.put(`k${i}`, record('v', 300));
    expect(l1.bytes).toBeLessThanOrEqual(10_000);
    for (let i = 0; i < 20; i += 1) l1.put(`k${i}`, record('v', 3_000));
    expect(l1.bytes).toBeLessThanOrEqual(10_000);
    expect(l1.entries).toBeGreaterThan(0);
  });

  test('G7: holds 1,000 entries after a million different keys', () => {
    const l1 = createL1<string>({ maxEntries: 1_000, maxBytes: 1e9 }, ignore, 1);
    for (let i = 0; i < 1_000_000; i += 1) l1.put(`key-${i}`, record('v'));
    expect(l1.entries).toBe(1_000);
    expect(l1.evicted).toBe(999_000);
  });

  test('a value larger than all of L1 is not kept, and does not leave its old value behind', () => {
    const l1 = createL1<string>({ maxEntries: 10, maxBytes: 1_000 }, ignore, 1);
    l1.put('k', record('small'));
    l1.put('k', record('large', 5_000));
    expect(l1.get('k')).toBeUndefined();
    expect(l1.tooLarge).toBe(1);
    expect(l1.bytes).toBe(0);
  });

  test('an entry that was used stays while unused ones leave, and a scan washes out only itself', () => {
    const l1 = createL1<string>({ maxEntries: 10, maxBytes: 1e9 }, ignore, 1);
    for (let i = 0; i < 10; i += 1) l1.put(`hot${i}`, record('v'));
    for (let round = 0; round < 50; round += 1) {
      for (let i = 0; i < 9; i += 1) {
        const entry = l1.get(`hot${i}`);
        if (entry !== undefined) l1.touch(entry);
      }
      l1.put(`scan${round}`, record('v'));
    }
    for (let i = 0; i < 9; i += 1) expect(l1.get(`hot${i}`)?.value).toBe('v');
  });

  test('keys are only keys, whatever they spell', () => {
    const l1 = createL1<string>({ maxEntries: 100, maxBytes: 1e9 }, ignore, 1);
    const keys = ['__proto__', 'constructor', 'hasOwnProperty', '', ' ', '\u0000', '\ud800', '\udfff', 'a:b', 'a', 'b'];
    for (const key of keys) expect(l1.get(key)).toBeUndefined();
    for (const key of keys) l1.put(key, record(key));
    for (const key of keys) expect(l1.get(key)?.value).toBe(key);
    expect(l1.entries).toBe(keys.length);
  });

  test('is empty after clear, and fills again', () => {
    const l1 = createL1<string>({ maxEntries: 2, maxBytes: 1e9 }, ignore, 1);
    for (const key of ['a', 'b', 'c']) l1.put(key, record(key));
    l1.clear();
    expect({ entries: l1.entries, bytes: l1.bytes }).toEqual({ entries: 0, bytes: 0 });
    for (const key of ['d', 'e', 'f']) l1.put(key, record(key));
    expect(l1.entries).toBe(2);
    expect(l1.get('f')?.value).toBe('f');
  });
});
