import { createLimiter, tokenBucket } from '@spillway/limit';
import { expect, test } from 'vitest';
import { countedLimiter } from '../limits/counted-limiter.ts';
import { createGuessGuard } from './guess-guard.ts';

/** Three guesses, and the next one in an hour. */
const open = () => {
  const policy = tokenBucket({ name: 'password', capacity: 3, refill: { tokens: 1, every: '1h' } });
  const limiter = countedLimiter('password', createLimiter({ policy, mode: 'share' }, { presence: { instances: 1 } }));
  return { limiter, guesses: createGuessGuard(limiter) };
};

test('a place is held while a guess is checked, and given back unless it was wrong', async () => {
  const { guesses } = open();
  for (let i = 0; i < 10; i += 1) {
    const guess = await guesses.begin('a');
    expect(guess.refused).toBeUndefined();
    guess.end();
  }
  const held = await Promise.all([1, 2, 3].map(() => guesses.begin('a')));
  expect(held.every(({ refused }) => refused === undefined)).toBe(true);
  expect((await guesses.begin('a')).refused).toMatchObject({ outcome: 'denied', reason: 'exhausted' });
  expect((await guesses.begin('b')).refused).toBeUndefined();
  for (const guess of held) guess.end();
  expect((await guesses.begin('a')).refused).toBeUndefined();
});

test('any number at once, checked in any order, is no more wrong ones than the limit allows', async () => {
  const { guesses, limiter } = open();
  let wrong = 0;
  const tries = Array.from({ length: 50 }, async (_, i) => {
    for (let pause = 0; pause < i % 7; pause += 1) await undefined;
    const guess = await guesses.begin('a');
    if (guess.refused !== undefined) return;
    for (let pause = 0; pause < (i * 5) % 11; pause += 1) await undefined;
    wrong += 1;
    guess.wrong();
    guess.end();
  });
  await Promise.all(tries);
  expect(wrong).toBe(3);
  expect((await guesses.begin('a')).refused).toMatchObject({ reason: 'exhausted' });
  // Refusals are counted as those of any limit.
  expect(limiter.counts().denials).toEqual([['exhausted', 48]]);
});
