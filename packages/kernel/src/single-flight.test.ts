import { describe, expect, test } from 'vitest';
import { createSingleFlight } from './single-flight.ts';

describe('single flight', () => {
  test('10,000 callers of one key make one run, and other keys their own', async () => {
    const flights = createSingleFlight<string>();
    const runs: string[] = [];
    const work = (key: string) => async () => {
      runs.push(key);
      await new Promise(setImmediate);
      return key;
    };
    const answers = await Promise.all([
      ...Array.from({ length: 10_000 }, () => flights.run('a', work('a'))),
      flights.run('__proto__', work('b')),
    ]);
    expect(runs).toEqual(['a', 'b']);
    expect(new Set(answers)).toEqual(new Set(['a', 'b']));
    expect(flights.size).toBe(0);
  });

  test('a failing run fails everyone who waits, once, even with undefined; the next call starts afresh', async () => {
    const flights = createSingleFlight<string>();
    let runs = 0;
    const fail = () => {
      runs += 1;
      return Promise.reject(undefined);
    };
    const results = await Promise.allSettled([flights.run('k', fail), flights.run('k', fail), flights.run('k', fail)]);
    expect(results).toEqual(Array(3).fill({ status: 'rejected', reason: undefined }));
    expect(runs).toBe(1);
    expect(await flights.run('k', async () => 'v')).toBe('v');
  });

  test('work that throws before it awaits rejects, and leaves nothing behind', async () => {
    const flights = createSingleFlight<string>();
    const broken = () => {
      throw new TypeError('at once');
    };
    await expect(flights.run('k', broken)).rejects.toThrow('at once');
    expect(flights.size).toBe(0);
  });

  test('work that asks for its own key joins itself, instead of running twice', async () => {
    const flights = createSingleFlight<string>();
    let runs = 0;
    const work = async (): Promise<string> => {
      runs += 1;
      void flights.run('k', work);
      return 'v';
    };
    expect(await flights.run('k', work)).toBe('v');
    expect(runs).toBe(1);
  });
});
