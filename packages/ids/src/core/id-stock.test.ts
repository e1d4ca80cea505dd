import { describe, expect, test } from 'vitest';
import { rangeOfBlock } from './block-range.ts';
import { createIdStock } from './id-stock.ts';

describe('the ids of a block', () => {
  test('follow those of the block before, from 1 on', () => {
    expect(rangeOfBlock(1, 10)).toEqual({ next: 1, end: 11 });
    expect(rangeOfBlock(2, 10)).toEqual({ next: 11, end: 21 });
  });

  test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, Math.floor(Number.MAX_SAFE_INTEGER / 10) + 1])(
    'do not exist for a block numbered %d',
    (number) => {
      expect(rangeOfBlock(number, 10)).toBeUndefined();
    },
  );

  test('exist up to the last safe integer', () => {
    expect(rangeOfBlock(Number.MAX_SAFE_INTEGER - 1, 1)).toEqual({
      next: Number.MAX_SAFE_INTEGER - 1,
      end: Number.MAX_SAFE_INTEGER,
    });
  });
});

describe('the stock', () => {
  test('gives out ranges in the order in which they came, each id once', () => {
    const stock = createIdStock();
    stock.add({ next: 11, end: 13 });
    stock.add({ next: 1, end: 3 });
    expect(stock.remaining).toBe(4);
    expect([stock.takeOne(), stock.takeOne(), stock.takeOne(), stock.takeOne(), stock.takeOne()]).toEqual([
      11,
      12,
      1,
      2,
      undefined,
    ]);
    expect(stock.remaining).toBe(0);
  });

  test('gives a batch whole or not at all', () => {
    const stock = createIdStock();
    stock.add({ next: 1, end: 4 });
    stock.add({ next: 7, end: 9 });
    expect(stock.take(6)).toBeUndefined();
    expect(stock.remaining).toBe(5);
    expect(stock.take(4)).toEqual([1, 2, 3, 7]);
    expect(stock.remaining).toBe(1);
  });

  test('leaves the range that it was given alone', () => {
    const range = { next: 1, end: 3 };
    const stock = createIdStock();
    stock.add(range);
    stock.takeOne();
    expect(range).toEqual({ next: 1, end: 3 });
  });
});
