import { expect, test } from 'vitest';
import { ScriptReplyError } from '../errors.ts';
import { defineScript, integers } from './define-script.ts';

test('a reply of integers is checked, those written as strings included', () => {
  expect(integers('s', [1, -2, 0], 3)).toEqual([1, -2, 0]);
  expect(integers('s', [1, '9007199254740991'], 2)).toEqual([1, Number.MAX_SAFE_INTEGER]);
  for (const wrong of [null, 'x', [1], [1, 2, 3], [1, null], [1, '1.5'], [1, 1.5], [1, '9007199254740992'], [1, [2]]]) {
    expect(() => integers('s', wrong, 2)).toThrow(ScriptReplyError);
  }
  expect(() => integers('limit.gcra', ['a'.repeat(1_000)], 1)).toThrow(/"limit.gcra" answered \["a{100,}\.\.\. where/);
});

test('a script knows its hash, and an empty one is refused', () => {
  const parts = { name: 's', keys: () => [], args: () => [], reply: (raw: unknown) => raw };
  expect(defineScript({ ...parts, source: 'return 1' }).sha1).toBe('e0e1f9fabfc9d4800c877a703b823ac0578ff8db');
  expect(() => defineScript({ ...parts, source: ' \n' })).toThrow('"s" has no source');
});
