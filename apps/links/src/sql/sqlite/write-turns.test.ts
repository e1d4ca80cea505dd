import { OverloadedError, StoreUnavailableError } from '@spillway/kernel';
import { expect, test } from 'vitest';
import { createWriteTurns } from './write-turns.ts';

const slow = () => {
  const { promise, resolve } = Promise.withResolvers<string>();
  return { work: () => promise, end: () => resolve('done') };
};

test('one at a time, in the order in which they came, after a failure as well', async () => {
  const turns = createWriteTurns();
  const ran: number[] = [];
  const results = await Promise.allSettled(
    [1, 2, 3, 4].map((number) =>
      turns.run('INSERT', async () => {
        ran.push(number);
        await new Promise(setImmediate);
        expect(ran.at(-1)).toBe(number);
        if (number === 2) throw new Error('its own');
      }),
    ),
  );
  expect(ran).toEqual([1, 2, 3, 4]);
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled']);
  expect(turns.stats()).toEqual({ waiting: 0, refused: { full: 0, late: 0 } });
});

test('G7: too many, or for too long, nobody waits; who is refused never runs, and the rest goes on', async () => {
  const turns = createWriteTurns({ queued: 2, patienceMs: 20 });
  const first = slow();
  const ran: string[] = [];
  const write = (name: string) => turns.run('INSERT', async () => ran.push(name));
  const running = turns.run('INSERT', first.work);
  const late = [write('a'), write('b')];
  await expect(write('c')).rejects.toThrow(OverloadedError);
  expect(turns.stats()).toEqual({ waiting: 2, refused: { full: 1, late: 0 } });
  for (const one of late) {
    const error = await one.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(StoreUnavailableError);
    expect(error).toMatchObject({ mayHaveRun: false, message: expect.stringContaining('for 20 ms') });
  }
  expect(turns.stats()).toEqual({ waiting: 0, refused: { full: 1, late: 2 } });
  const next = write('d');
  first.end();
  expect(await running).toBe('done');
  await next;
  expect(ran).toEqual(['d']);
});
