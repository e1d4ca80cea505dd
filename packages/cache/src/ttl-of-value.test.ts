import type { Duration } from '@spillway/kernel';
import { expect, test } from 'vitest';
import { fixture, gate, settle } from './testing/fixture.ts';

const ttl = (value: string): Duration => (value === 'short' ? '1s' : '1m');

test('how long a value is fresh may depend on it, in both tiers', async () => {
  const { a, b, clock, truth, load, loads } = fixture();
  for (const key of ['short', 'long']) {
    truth.set(key, key);
    await a.get(key, load, { ttl });
  }
  await settle();
  clock.advanceMs(1_500);
  for (const each of [a, b]) expect((await each.look('long', load, { ttl })).from).toMatch(/^l[12]$/);
  expect((await b.look('short', load, { ttl })).from).toBe('loader');
  expect(loads()).toBe(3);
});

test('a time that can not be told fails the load, also one that nobody waits for any more', async () => {
  const { create } = fixture({ loads: { concurrent: 1, queued: 1, hardTimeout: '20ms' } });
  const cache = create();
  const soon = () => 'soon' as Duration;
  await expect(cache.get('a', async () => 'a', { ttl: soon })).rejects.toThrow('"soon" is not a duration');
  const late = gate<string>();
  await expect(cache.get('b', () => late.promise, { ttl: soon })).rejects.toThrow('gave no answer within 20 ms');
  late.resolve('b');
  await settle();
  expect(cache.stats().l2.errors).toBe(1);
});
