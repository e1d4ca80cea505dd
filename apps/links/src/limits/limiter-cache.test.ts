import { createLimiter, tokenBucket } from '@spillway/limit';
import { expect, test } from 'vitest';
import { createLimiterCache } from './limiter-cache.ts';

const policy = tokenBucket({ name: 'one', capacity: 1, refill: { tokens: 1, every: '1s' } });
const open = () => createLimiter({ policy });

test('G7: whoever makes many limiters pushes out its own, oldest first, and nobody else’s', () => {
  const cache = createLimiterCache(10);
  const quiet = cache.get('quiet', 'a', open);
  const other = cache.get('other', 'a', open);
  const first = cache.get('loud', 'first', open);
  for (let i = 0; i < 7; i += 1) cache.get('loud', String(i), open);
  expect(cache.get('loud', 'first', open)).toBe(first);
  for (let i = 0; i < 5; i += 1) cache.get('loud', `more ${i}`, open);
  expect(cache.get('loud', 'first', open)).toBe(first);
  for (let i = 0; i < 1_000; i += 1) cache.get('loud', `many ${i}`, open);
  expect(cache.size).toBe(10);
  expect(cache.get('quiet', 'a', open)).toBe(quiet);
  expect(cache.get('other', 'a', open)).toBe(other);
  expect(cache.get('loud', 'first', open)).not.toBe(first);
});

test('G7: as many owners as limiters share the room', () => {
  const cache = createLimiterCache(3);
  for (let i = 0; i < 100; i += 1) cache.get(`owner ${i}`, 'a', open);
  expect(cache.size).toBe(3);
});
