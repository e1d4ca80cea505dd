import { expect, test } from 'vitest';
import { until } from './until.ts';

test('until asks again until the answer is truthy, and returns it', async () => {
  let asked = 0;
  const answer = await until(() => {
    asked++;
    if (asked === 1) throw new Error('not yet');
    return asked < 4 ? undefined : 'here';
  });
  expect([answer, asked]).toEqual(['here', 4]);
});

test('until gives up with the name of what it waited for, and the last answer or error', async () => {
  await expect(until(() => 0, { timeoutMs: 20, what: 'Godot' })).rejects.toThrow(
    '20 ms for Godot in vain; last answer: 0',
  );
  const failing = () => Promise.reject(new Error('no'));
  await expect(until(failing, { timeoutMs: 20 })).rejects.toThrow('last error: Error: no');
});
