import { expect, test } from 'vitest';
import { headerFault, toHeaderText } from './header-text.ts';

test.each([
  ['a key\r\n', 'U+000D'],
  ['\u043a\u043b\u044e\u0447', 'U+043A'],
  ['caf\xe9', 'U+00E9'],
  ['\u{1f511}', 'U+1F511'],
  ['visible ~ ASCII', undefined],
  ['', undefined],
])('what no header carries is named: %j', (text, fault) => expect(headerFault(text)).toBe(fault));

test('control bytes are written as servers write them, all other bytes stay', () => {
  expect(toHeaderText('a\x02\x7f\tb\xe9')).toBe('a\\x02\\x7f\\x09b\xe9');
});
