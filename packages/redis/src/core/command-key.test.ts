import { expect, test } from 'vitest';
import { keyOfCommand } from './command-key.ts';
import { checkCommand } from './refused-commands.ts';

test('the key of a command is found where it stands', () => {
  expect(keyOfCommand('get', ['k'])).toBe('k');
  expect(keyOfCommand('SET', [7, 'v'])).toBe('7');
  expect(keyOfCommand('GET', [Uint8Array.of(1)])).toEqual(Uint8Array.of(1));
  expect(keyOfCommand('EVALSHA', ['sha', 2, 'a', 'b', 'x'])).toBe('a');
  expect(keyOfCommand('EVAL', ['return 1', 0, 'x'])).toBeUndefined();
  expect(keyOfCommand('XGROUP', ['CREATE', 's', 'g', '$'])).toBe('s');
  expect(keyOfCommand('XREADGROUP', ['GROUP', 'g', 'c', 'COUNT', 1, 'streams', 's', '>'])).toBe('s');
  expect(keyOfCommand('OBJECT', ['ENCODING', 'k'])).toBe('k');
  expect(keyOfCommand('PUBLISH', ['channel', 'x'])).toBeUndefined();
  expect(keyOfCommand('PING', [])).toBeUndefined();
});

test('a name that was found harmless once does not open the door for its arguments', () => {
  checkCommand('XREAD', ['STREAMS', 's', 0], false);
  expect(() => checkCommand('XREAD', ['BLOCK', 0, 'STREAMS', 's', 0], false)).toThrow('link.dedicated()');
  checkCommand('XREAD', ['BLOCK', 0, 'STREAMS', 's', 0], true);
  checkCommand('BLPOP', ['k', 0], true);
  expect(() => checkCommand('BLPOP', ['k', 0], false)).toThrow('link.dedicated()');
  expect(() => checkCommand('select', [1], true)).toThrow('connectRedis');
});
