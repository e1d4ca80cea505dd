import { expect, test } from 'vitest';
import { aliasFault, isReserved } from './alias.ts';

test.each([
  ['heaIthz', 'healthz'],
  ['d0cs', 'docs'],
  ['ap1', 'api'],
  ['AP1', 'api'],
  ['log-in', 'login'],
  ['_l1nks_', 'links'],
  ['Iogin', 'login'],
  ['serverstatus', 'server-status'],
  ['R0B0TS', 'robots'],
])('the alias %s looks like the reserved word %s and is refused', (alias, word) => {
  expect(aliasFault(alias)).toBe(`looks like the reserved word "${word}", got "${alias}"; choose another`);
  expect(isReserved(alias)).toBe(false);
});

test('a reserved word is called reserved, in capitals as well', () => {
  expect(aliasFault('API')).toBe('is reserved, got "API"; choose another');
  expect(isReserved('API')).toBe(true);
});

test.each(['Launch-1', 'loop', 'api-guide', '101', 'docs2026', 'one-of-fifty'])('the alias %s is taken', (alias) => {
  expect(aliasFault(alias)).toBeUndefined();
});

test('a wrong length is told with the alias itself', () => {
  expect(aliasFault('..')).toBe('must have 3 to 64 characters, got 2 in ".."');
  expect(aliasFault('a'.repeat(200))).toBe(`must have 3 to 64 characters, got 200 in "${'a'.repeat(99)}…`);
});
