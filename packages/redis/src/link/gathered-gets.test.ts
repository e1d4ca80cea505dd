import { expect, test } from 'vitest';
import { GatheredGets } from './gathered-gets.ts';

test('a single one is a GET, several are one MGET, and each gets its own value', async () => {
  const gets = new GatheredGets();
  expect(gets.take()).toBeUndefined();
  const alone = gets.add('a');
  const get = gets.take();
  expect([get?.name, get?.keys, gets.size]).toEqual(['GET', ['a'], 0]);
  get?.answer('1');
  expect(await alone).toBe('1');

  const both = Promise.all([gets.add('b'), gets.add('b'), gets.add('c')]);
  const mget = gets.take();
  expect([mget?.name, mget?.keys]).toEqual(['MGET', ['b', 'b', 'c']]);
  expect(gets.take()).toBeUndefined();
  mget?.answer(['2', '2', null]);
  expect(await both).toEqual(['2', '2', null]);
});

test('no command takes more than 100 keys', async () => {
  const gets = new GatheredGets();
  const all = Promise.all(Array.from({ length: 201 }, (_, i) => gets.add(String(i))));
  const sizes: number[] = [];
  for (let command = gets.take(); command !== undefined; command = gets.take()) {
    sizes.push(command.keys.length);
    command.answer(command.keys.length === 1 ? command.keys[0] : command.keys);
  }
  expect(sizes).toEqual([100, 100, 1]);
  expect(await all).toEqual(Array.from({ length: 201 }, (_, i) => String(i)));
});

test('a failure, or an answer of another shape, fails all of them', async () => {
  const gets = new GatheredGets();
  const failed = [gets.add('a'), gets.add('b')].map((get) => get.catch((error: Error) => error.message));
  gets.take()?.fail(new Error('gone'));
  expect(await Promise.all(failed)).toEqual(['gone', 'gone']);
  const odd = [gets.add('a'), gets.add('b')].map((get) => get.catch((error: Error) => error.message));
  gets.take()?.answer(['only one']);
  expect(await Promise.all(odd)).toEqual(['MGET answered only one', 'MGET answered only one']);
});
