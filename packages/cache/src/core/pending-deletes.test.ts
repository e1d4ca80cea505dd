import { describe, expect, test } from 'vitest';
import { createPendingDeletes } from './pending-deletes.ts';

describe('pending deletes', () => {
  test('a key added again is not confirmed by the answer to the first delete', () => {
    const pending = createPendingDeletes({ maxKeys: 10, maxLength: 100 });
    const first = pending.add('k', true) ?? -1;
    const second = pending.add('k', true) ?? -1;
    pending.confirm('k', first);
    expect(pending.has('k')).toBe(true);
    pending.confirm('k', second);
    expect(pending.has('k')).toBe(false);
  });

  test('G7: refuses what goes beyond its keys or their length, and takes it again when there is room', () => {
    const pending = createPendingDeletes({ maxKeys: 2, maxLength: 10 });
    const mark = pending.add('aaaa', true) ?? -1;
    expect(pending.add('x'.repeat(7), true)).toBeUndefined();
    expect(pending.add('b', true)).toBeDefined();
    expect(pending.add('c', true)).toBeUndefined();
    expect(pending.add('b', true)).toBeDefined();
    pending.confirm('aaaa', mark);
    expect(pending.add('c', true)).toBeDefined();
    expect(pending.size).toBe(2);
  });

  test('a batch holds the oldest first, and nothing newer than asked for', () => {
    const pending = createPendingDeletes({ maxKeys: 10, maxLength: 100 });
    pending.add('a', true);
    pending.add('b', true);
    const { newest } = pending;
    pending.add('c', true);
    pending.add('a', true);
    expect(pending.batch(10, newest).map(({ key }) => key)).toEqual(['b']);
    expect(pending.batch(10, pending.newest).map(({ key }) => key)).toEqual(['b', 'c', 'a']);
    expect(pending.batch(1, pending.newest).map(({ key }) => key)).toEqual(['b']);
  });

  test('G5: one that has to be remembered stays so, whatever is added later', () => {
    const pending = createPendingDeletes({ maxKeys: 10, maxLength: 100 });
    for (const [key, remember] of [
      ['hard', true],
      ['hard', false],
      ['soft', false],
    ] as const) {
      pending.add(key, remember);
    }
    expect(pending.batch(10, pending.newest)).toMatchObject([
      { key: 'hard', remember: true },
      { key: 'soft', remember: false },
    ]);
  });
});
