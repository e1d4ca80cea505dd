import { expect, test } from 'vitest';
import type { LogEntry } from '../replay/access-log.ts';
import { hashOf, subjectOf } from './subject.ts';

const entry = (over: Partial<LogEntry>): LogEntry => ({
  ip: '192.0.2.1',
  atMs: 0,
  method: 'GET',
  status: 200,
  path: '/a?b',
  referrer: undefined,
  userAgent: undefined,
  ...over,
});

test('an address counts by its client, a path without its query, and no agent is one too', () => {
  expect(subjectOf(entry({}), 'ip')).toBe('192.0.2.1');
  const ours = ['2001:db8::1', '2001:db8:0:0:ffff::2'].map((ip) => subjectOf(entry({ ip }), 'ip'));
  expect(new Set(ours).size).toBe(1);
  expect(subjectOf(entry({ ip: '2001:db8:0:1::1' }), 'ip')).not.toBe(ours[0]);
  expect(subjectOf(entry({}), 'path')).toBe('/a');
  expect(subjectOf(entry({}), 'user-agent')).toBe('-');
});

test('G8: long texts that begin alike stay apart, in bounded length', () => {
  const subjects = ['x', 'y'].map((end) => subjectOf(entry({ userAgent: 'a'.repeat(60_000) + end }), 'user-agent'));
  expect(new Set(subjects).size).toBe(2);
  for (const subject of subjects) expect(subject.length).toBeLessThan(200);
});

test('hashes of similar texts are far apart, in every part of theirs', () => {
  const hashes = Array.from({ length: 100_000 }, (_, at) => hashOf(`10.${at >> 16}.${(at >> 8) & 255}.${at & 255}`));
  expect(new Set(hashes).size).toBe(hashes.length);
  for (const oneIn of [2, 16, 64]) {
    const share = hashes.filter((hash) => hash % oneIn === 0).length / (hashes.length / oneIn);
    // Five standard deviations of a binomial count.
    expect(Math.abs(share - 1)).toBeLessThan(5 * Math.sqrt(oneIn / hashes.length));
  }
});
