import { expect, test } from 'vitest';
import { admit, type Mark, type Offer } from './admit.ts';

const mark = (seq: number, ...ahead: number[]): Mark => ({ seq, ahead: new Set(ahead) });
const offer = (seq: number, floor = 0, patience: Offer['patience'] = 'waiting'): Offer => ({ seq, floor, patience });

/** What was decided, by number. */
const decide = (from: Mark, ...offers: Offer[]) => {
  const { write, skip, hold, mark: after, lost } = admit(from, offers);
  const numbers = (list: readonly Offer[]) => list.map(({ seq }) => seq);
  return {
    write: numbers(write),
    skip: numbers(skip),
    hold: numbers(hold),
    seq: after.seq,
    ahead: [...after.ahead],
    lost,
  };
};

test('batches are written in order, whatever the order they arrived in', () => {
  expect(decide(mark(0), offer(3), offer(1), offer(2))).toEqual({
    write: [1, 2, 3],
    skip: [],
    hold: [],
    seq: 3,
    ahead: [],
    lost: 0,
  });
});

test('what the watermark has passed, and the second of two copies, are skipped', () => {
  expect(decide(mark(5), offer(4), offer(6), offer(6))).toEqual({
    write: [6],
    skip: [4, 6],
    hold: [],
    seq: 6,
    ahead: [],
    lost: 0,
  });
});

test('what is ahead of a hole waits, and nothing is acknowledged', () => {
  expect(decide(mark(1), offer(3), offer(4))).toEqual({
    write: [],
    skip: [],
    hold: [3, 4],
    seq: 1,
    ahead: [],
    lost: 0,
  });
});

test('patience that ended counts out of order, once, and the hole can still be filled', () => {
  expect(decide(mark(1), offer(3, 0, 'over'), offer(3))).toMatchObject({ write: [3], skip: [3], seq: 1, ahead: [3] });
  expect(decide(mark(1, 3), offer(3))).toMatchObject({ write: [], skip: [3], seq: 1, ahead: [3] });
  expect(decide(mark(1, 3, 5), offer(2))).toMatchObject({ write: [2], seq: 3, ahead: [5] });
});

test('a floor moves the watermark over a hole that nobody can fill, and says how much is lost', () => {
  expect(decide(mark(1), offer(6, 4), offer(5, 4))).toEqual({
    write: [5, 6],
    skip: [],
    hold: [],
    seq: 6,
    ahead: [],
    lost: 3,
  });
  expect(decide(mark(1, 3), offer(6, 5))).toMatchObject({ write: [6], seq: 6, ahead: [], lost: 3 });
});

test('a batch below another one’s floor is still written when it is in hand', () => {
  expect(decide(mark(1), offer(2, 0), offer(6, 5))).toMatchObject({ write: [2, 6], seq: 6, lost: 3 });
});

test('of two copies the higher floor counts', () => {
  expect(decide(mark(1), offer(4, 1), offer(4, 3))).toMatchObject({ write: [4], skip: [4], seq: 4, lost: 2 });
});
