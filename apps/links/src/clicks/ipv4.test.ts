import { expect, test } from 'vitest';
import { ipv4Number } from './ipv4.ts';

test.each([
  ['0.0.0.0', 0],
  ['1.2.3.4', 0x01020304],
  ['10.0.255.1', 0x0a00ff01],
  ['255.255.255.255', 0xffffffff],
])('%s is a number', (text, number) => {
  expect(ipv4Number(text)).toBe(number);
});

test.each([
  '',
  '1.2.3',
  '1.2.3.4.5',
  '1.2.3.256',
  '01.2.3.4',
  '1..2.3',
  '.1.2.3',
  '1.2.3.',
  ' 1.2.3.4',
  '1.2.3.4a',
  '::1',
])('%j is none', (text) => {
  expect(ipv4Number(text)).toBe(-1);
});
