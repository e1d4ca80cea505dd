import { expect, test } from 'vitest';
import { createTurns } from './turns.ts';

/** Work that ends when it is told to, and says when it begins. */
function openWork() {
  const begun: string[] = [];
  const ends: (() => void)[] = [];
  const work = (name: string) => () =>
    new Promise<string>((resolve) => {
      begun.push(name);
      ends.push(() => resolve(name));
    });
  const endFirst = async () => {
    ends.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { begun, work, endFirst };
}

test('one of each subject runs at a time, and so many subjects; a popular one does not hold up the others', async () => {
  const { begun, work, endFirst } = openWork();
  const turns = createTurns({ name: 'The queue', concurrent: 2, queued: 10 });
  const all = ['a', 'a', 'a', 'b', 'c', 'd'].map((subject, i) => turns.run(subject, work(`${subject}${i}`)));
  expect(begun).toEqual(['a0', 'b3']);
  await endFirst();
  expect(begun).toEqual(['a0', 'b3', 'a1']);
  await endFirst();
  expect(begun).toEqual(['a0', 'b3', 'a1', 'c4']);
  await endFirst();
  await endFirst();
  await endFirst();
  await endFirst();
  expect(await Promise.all(all)).toEqual(['a0', 'a1', 'a2', 'b3', 'c4', 'd5']);
});

test('beyond its bound the queue refuses, and work that fails gives its place back', async () => {
  const { begun, work, endFirst } = openWork();
  const turns = createTurns({ name: 'The queue', concurrent: 1, queued: 1 });
  const failing = turns.run('a', () => Promise.reject(new Error('broken')));
  const next = turns.run('a', work('next'));
  await expect(turns.run('b', work('late'))).rejects.toThrow('The queue is full (1)');
  await expect(failing).rejects.toThrow('broken');
  await endFirst();
  expect(await next).toBe('next');
  expect(begun).toEqual(['next']);
});
