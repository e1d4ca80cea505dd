import { expect, test } from 'vitest';
import { createHostLookUp } from './host-look-up.ts';

const byHost = new Map([
  ['l.example', 'plain'],
  ['l.example:8443', 'its own port'],
  ['s.example:443', 'the usual port'],
  ['localhost:8080', 'here'],
  ['[::1]:8080', 'six'],
]);

test.each([
  ['l.example', 'plain'],
  ['L.Example', 'plain'],
  ['l.example.', 'plain'],
  ['l.example:80', 'plain'],
  ['l.example:18083', 'plain'],
  ['l.example:', 'plain'],
  ['L.EXAMPLE.:80', 'plain'],
  ['l.example:8443', 'its own port'],
  ['l.example.:8443', 'its own port'],
  ['s.example', 'the usual port'],
  ['s.example:443', 'the usual port'],
  ['s.example:80', undefined],
  ['localhost:8080', 'here'],
  ['localhost', undefined],
  ['[::1]:8080', 'six'],
  ['[::1]', undefined],
  ['l.example..', undefined],
  ['l.example:80:80', undefined],
  ['xl.example', undefined],
  ['l.example:80a', undefined],
  ['', undefined],
])('%j is %j, asked once and again', (host, found) => {
  const lookUp = createHostLookUp(byHost, '443');
  expect([lookUp(host), lookUp(host)]).toEqual([found, found]);
});

test('what was asked is still found after more hosts than are remembered', () => {
  const lookUp = createHostLookUp(byHost, '443');
  for (let i = 0; i < 3_000; i += 1) expect(lookUp(`l.example:${10_000 + i}`)).toBe('plain');
  expect(lookUp(`${'a'.repeat(500)}.l.example`)).toBeUndefined();
  expect(lookUp('l.example:10000')).toBe('plain');
});
