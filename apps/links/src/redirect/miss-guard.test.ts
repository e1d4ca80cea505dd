import { createLimiter, tokenBucket } from '@spillway/limit';
import { expect, test } from 'vitest';
import { createMissGuard } from './miss-guard.ts';

test('a client that guessed its share is blocked until it may guess again, and no other client is', () => {
  let nowMs = 0;
  const policy = tokenBucket({ name: 'miss', capacity: 2, refill: { tokens: 1, every: '1s' } });
  const limiter = createLimiter(
    { policy, mode: 'share' },
    { presence: { instances: 1 }, clock: { nowUs: () => nowMs * 1_000 } },
  );
  const guard = createMissGuard(limiter, () => nowMs);
  for (let i = 0; i < 2; i += 1) {
    expect(guard.blocked('a')).toBeUndefined();
    guard.charge('a');
  }
  expect(guard.blocked('a')).toBeUndefined();
  guard.charge('a');
  expect(guard.blocked('a')).toMatchObject({ outcome: 'denied', retryAfterMs: 1_000 });
  expect(guard.blocked('b')).toBeUndefined();
  nowMs = 600;
  expect(guard.blocked('a')).toMatchObject({ retryAfterMs: 400 });
  nowMs = 1_000;
  expect(guard.blocked('a')).toBeUndefined();
});
