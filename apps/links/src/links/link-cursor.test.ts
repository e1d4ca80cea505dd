import { expect, test } from 'vitest';
import type { Link } from './link.ts';
import { formatCursor, parseCursor } from './link-cursor.ts';

test.each(['abc', 'abcd', 'abcde'])('a cursor at %s is read as it was written, with nothing around it', (code) => {
  const link = { id: 42, code, createdAtMs: 1_700_000_000_123 } as Link;
  const cursor = formatCursor('code', link);
  expect(parseCursor(cursor, 'code')).toEqual({ value: code, id: 42 });
  const junk = ['!', '\0', '=', ' ', 'A', 'AA', 'AAA'];
  for (const wrong of ['', ...junk.flatMap((each) => [`${cursor}${each}`, `${each}${cursor}`])]) {
    expect(parseCursor(wrong, 'code'), wrong).toBeUndefined();
  }
  expect(parseCursor(cursor, '-code')).toBeUndefined();
});
