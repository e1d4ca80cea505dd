import { describe, expect, test } from 'vitest';
import { handClock } from '../testing/fixture.ts';
import { createStoreClock } from './store-clock.ts';

function setUp(read: () => Promise<number>) {
  const clock = handClock();
  let asked = 0;
  const time = createStoreClock(clock, () => {
    asked += 1;
    return read();
  });
  return { clock, time, asked: () => asked };
}

describe('the store’s clock', () => {
  test('is read once for all who wait, and then goes on by this process’s own', async () => {
    const { clock, time, asked } = setUp(async () => 1_700_000_000_000);
    await Promise.all([time.ready(), time.ready()]);
    expect(time.ready()).toBeUndefined();
    expect(asked()).toBe(1);
    clock.advanceMs(1_500);
    expect(time.nowMs()).toBe(1_700_000_001_500);
  });

  test('is taken to have been read in the middle of the round trip', async () => {
    const { clock, time } = setUp(async () => {
      clock.advanceMs(40);
      return 1_000_000;
    });
    await time.ready();
    expect(time.nowMs()).toBe(1_000_020);
  });

  test('is read again from time to time without anyone waiting, and a failure then keeps the old reading', async () => {
    let broken = false;
    const { clock, time, asked } = setUp(async () => {
      if (broken) throw new Error('away');
      return 5_000;
    });
    await time.ready();
    clock.advanceMs(30_001);
    broken = true;
    expect(time.ready()).toBeUndefined();
    await new Promise(setImmediate);
    expect(asked()).toBe(2);
    expect(time.nowMs()).toBe(35_001);
  });

  test('a reading that fails rejects for those who wait, and the next one tries again', async () => {
    let broken = true;
    const { time } = setUp(async () => {
      if (broken) throw new Error('away');
      return 5_000;
    });
    await expect(time.ready()).rejects.toThrow('away');
    broken = false;
    await time.ready();
    expect(time.nowMs()).toBe(5_000);
  });

  test('after a reset an answer of the server before does not count', async () => {
    const { promise, resolve } = Promise.withResolvers<number>();
    let first = true;
    const { time } = setUp(() => {
      if (!first) return Promise.resolve(9_000_000);
      first = false;
      return promise;
    });
    const old = time.ready();
    time.reset();
    await time.ready();
    resolve(1_000);
    await old;
    expect(time.nowMs()).toBe(9_000_000);
  });
});
