import { expect, test } from 'vitest';
import { createFamiliarStrings } from './familiar-strings.ts';

test('every string comes back as an equal one, whatever was asked before', () => {
  const familiar = createFamiliarStrings();
  const texts = ['', 'a', 'ab', 'é', '💧', 'x'.repeat(64), 'x'.repeat(65), '\u0000', '__proto__'];
  for (let at = 0; at < 20_000; at += 1) texts.push(`/code-${at}`);
  for (let round = 0; round < 2; round += 1) for (const text of texts) expect(familiar(text)).toBe(text);
});
