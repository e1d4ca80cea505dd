import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryDirectory } from '@spillway/testkit';
import { expect, test } from 'vitest';
import { readPolicies } from './policies.ts';

async function inFile(content: unknown, given: readonly string[] = []) {
  await using directory = temporaryDirectory({ name: 'policies' });
  const file = join(directory.path, 'policies.json');
  await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content));
  return await readPolicies(given, file);
}

test('the short form is a token bucket as in the configuration, called as it was written', async () => {
  const [first, second] = await readPolicies(['50/m burst 10', '3/s'], undefined);
  expect(first).toMatchObject({
    label: '50/m burst 10',
    policy: { strategy: 'token-bucket', capacity: 10, refill: { tokens: 50, every: '1m' } },
  });
  expect(second).toMatchObject({ label: '3/s', policy: { capacity: 3, refill: { tokens: 3, every: '1s' } } });
});

test('a file holds policies of every other strategy, as a list or under "policies"', async () => {
  const list = [
    { strategy: 'gcra', name: 'a', limit: 10, every: '1m', burst: 'strict' },
    { strategy: 'fixed-window', name: 'b', limit: 10, window: '1m' },
    { strategy: 'sliding-window', name: 'c', limit: 10, window: '1m' },
    { strategy: 'sliding-log', name: 'd', limit: 10, window: '1m' },
    { strategy: 'quota', name: 'e', limit: 10, per: 'day', timeZone: 'Europe/Berlin' },
    { strategy: 'token-bucket', name: 'f', capacity: 10, refill: { tokens: 1, every: '1s' } },
  ];
  expect((await inFile(list)).map(({ label }) => label)).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
  expect((await inFile({ policies: list }, ['1/s'])).map(({ label }) => label)[0]).toBe('1/s');
});

test.each([
  [['50 a minute'], [], '--policy must be like "100/s", "100/s burst 500" (units s, m, h) or "off", got "50 a minute"'],
  [['off'], [], '--policy off limits nothing; leave it out'],
  [['1/s', '1/s'], [{ strategy: 'concurrency', name: 'jobs', limit: 3, lease: '1m' }], '"1/s" is given twice'],
  [
    [],
    [{ strategy: 'concurrency', name: 'jobs', limit: 3, lease: '1m' }],
    'does not say when a request began and ended',
  ],
  [[], [{ strategy: 'fixed-window', name: 'x', limit: 0, window: '1m' }], 'limit: must be an integer from 1'],
  [[], [], 'must hold a list of policies'],
  [[], '{', 'is not JSON'],
  [[], 'null', 'must hold a list of policies'],
  [Array.from({ length: 21 }, (_, at) => `${at + 1}/s`), [{}], 'at most 20'],
  [[], [{}], 'strategy: must be one of'],
])('what is wrong with %j and %j is said', async (given, content, message) => {
  const refused = inFile(content, given);
  await expect(refused).rejects.toMatchObject({ exitCode: 2 });
  await expect(refused).rejects.toThrow(message);
});
