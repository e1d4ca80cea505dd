import { StoreUnavailableError } from '@spillway/kernel';
import { until } from '@spillway/testkit';
import { expect, test } from 'vitest';
import { createBreaker } from './breaker.ts';

const away = () => Promise.reject(new StoreUnavailableError('query'));

test('a breaker opens after three misses in a row, fails at once, and closes when the probe gets an answer', async () => {
  let back = false;
  let calls = 0;
  const probe = async () => {
    if (!back) throw new Error('still away');
  };
  const breaker = createBreaker({ probe, delayMs: { first: 1, most: 4 } });
  for (let i = 0; i < 3; i += 1) await expect(breaker.run('query', away)).rejects.toThrow(StoreUnavailableError);
  expect(breaker.state).toBe('down');
  const refused = breaker.run('query', async () => {
    calls += 1;
  });
  await expect(refused).rejects.toThrow('breaker open');
  await expect(refused).rejects.toMatchObject({ mayHaveRun: false });
  expect(calls).toBe(0);
  back = true;
  await until(() => breaker.state === 'up');
  expect(await breaker.run('query', async () => 'answer')).toBe('answer');
  breaker.close();
});

test("errors that the database itself sends are answers, and misses that are not in a row don't count", async () => {
  const breaker = createBreaker({ probe: async () => undefined });
  for (let i = 0; i < 10; i += 1) {
    await expect(breaker.run('query', () => Promise.reject(new Error('syntax error')))).rejects.toThrow('syntax');
    await expect(breaker.run('query', away)).rejects.toThrow(StoreUnavailableError);
  }
  expect(breaker.state).toBe('up');
  breaker.close();
});
