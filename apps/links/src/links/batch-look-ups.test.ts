import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { batchLookUps } from './batch-look-ups.ts';

/** Answers when told, with the number of the question. */
function setUp({ concurrent = 2, most = 3 } = {}) {
  const asked: { keys: readonly string[]; answer(error?: Error): void }[] = [];
  const find = batchLookUps<string, string>({
    concurrent,
    most,
    groupOf: (key) => key[0],
    ask: (keys) =>
      new Promise((resolve, reject) => {
        const number = asked.length;
        const answer = (error?: Error) => (error ? reject(error) : resolve(keys.map((key) => `${key}${number}`)));
        asked.push({ keys, answer });
      }),
  });
  return { asked, find };
}

test('what is asked for in one turn goes together, up to the size of a batch and the number of them', async () => {
  const { asked, find } = setUp();
  const found = ['a1', 'a2', 'a3', 'a4', 'a5', 'a6', 'a7'].map(find);
  expect(asked).toEqual([]);
  await turn();
  expect(asked.map(({ keys }) => keys)).toEqual([
    ['a1', 'a2', 'a3'],
    ['a4', 'a5', 'a6'],
  ]);
  asked[1]?.answer();
  expect(await found[3]).toBe('a41');
  await turn();
  expect(asked[2]?.keys).toEqual(['a7']);
  asked[0]?.answer();
  asked[2]?.answer();
  expect(await Promise.all(found)).toEqual(['a10', 'a20', 'a30', 'a41', 'a51', 'a61', 'a72']);
});

test('a look-up is not answered by a batch that was under way before it', async () => {
  const { asked, find } = setUp();
  const first = find('a');
  await turn();
  const second = find('a');
  asked[0]?.answer();
  expect(await first).toBe('a0');
  await turn();
  asked[1]?.answer();
  expect(await second).toBe('a1');
});

test('keys of several groups go apart', async () => {
  const { asked, find } = setUp();
  for (const key of ['a1', 'b1', 'a2', 'b2']) void find(key);
  await turn();
  expect(asked.map(({ keys }) => keys)).toEqual([
    ['a1', 'a2'],
    ['b1', 'b2'],
  ]);
});

test('a failure is told to all who were in the batch, and to nobody else; the place is free again', async () => {
  const { asked, find } = setUp({ concurrent: 1, most: 2 });
  const found = ['a1', 'a2', 'a3'].map((key) => find(key).catch((error: Error) => error.message));
  await turn();
  asked[0]?.answer(new Error('no'));
  expect(await Promise.all(found.slice(0, 2))).toEqual(['no', 'no']);
  await turn();
  asked[1]?.answer();
  expect(await found[2]).toBe('a31');
});

test('whatever is asked for in whatever order, each gets its own answer, and no more than allowed is under way', () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(fc.constantFrom('a1', 'a2', 'b1', 'b2', 'c1'), { maxLength: 9 }), { maxLength: 9 }),
      fc.integer({ min: 1, max: 3 }),
      fc.integer({ min: 1, max: 4 }),
      async (turns, concurrent, most) => {
        let running = 0;
        let worst = 0;
        const find = batchLookUps<string, string>({
          concurrent,
          most,
          groupOf: (key) => key[0],
          ask: async (keys) => {
            expect(keys.length).toBeLessThanOrEqual(most);
            expect(new Set(keys.map((key) => key[0])).size).toBe(1);
            running += 1;
            worst = Math.max(worst, running);
            for (let i = 0; i < keys.length; i += 1) await turn();
            running -= 1;
            return keys.map((key) => (key === 'c1' ? undefined : key.toUpperCase()));
          },
        });
        const answers: Promise<unknown>[] = [];
        for (const keys of turns) {
          for (const key of keys) {
            const wanted = key === 'c1' ? undefined : key.toUpperCase();
            answers.push(find(key).then((found) => expect(found).toBe(wanted)));
          }
          await turn();
        }
        await Promise.all(answers);
        expect(worst).toBeLessThanOrEqual(concurrent);
      },
    ),
  ));
