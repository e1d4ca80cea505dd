import { expect, test } from 'vitest';
import { floorOf, forget, raiseFloor, type Slot, settle, toSend } from './window.ts';

const slot = (seq: number, receipt?: string, floorSent = 0): Slot => ({ seq, receipt, floorSent });

test('only the watermark frees a batch', () => {
  const { settled, slots } = settle([slot(4, 'a'), slot(5), slot(6, 'c')], 5);
  expect(settled.map(({ seq }) => seq)).toEqual([4, 5]);
  expect(slots.map(({ seq }) => seq)).toEqual([6]);
});

test('the floor is right below what is held, and at the end of what was written when nothing is', () => {
  expect(floorOf([slot(4), slot(5)], 5)).toBe(3);
  expect(floorOf([], 5)).toBe(5);
});

test('after a send without an answer one batch goes alone', () => {
  const slots = [slot(1, 'a'), slot(2), slot(3), slot(4)];
  expect(toSend(slots, 'answered', 2).map(({ seq }) => seq)).toEqual([2, 3]);
  expect(toSend(slots, 'unknown', 2).map(({ seq }) => seq)).toEqual([2]);
});

test('what the transport lost goes out again, and nothing else', () => {
  expect(toSend(forget([slot(1, 'a'), slot(2, 'b')], new Set(['b'])), 'answered', 9)).toEqual([slot(2)]);
});

test('the first batch goes out again when the sink stands below the floor and has not been told', () => {
  expect(raiseFloor([slot(5, 'a', 2), slot(6, 'b', 2)], 2)[0]?.receipt).toBeUndefined();
  expect(raiseFloor([slot(5, 'a', 4), slot(6, 'b', 2)], 2)[0]?.receipt).toBe('a');
  expect(raiseFloor([slot(5, 'a', 2)], 4)[0]?.receipt).toBe('a');
  expect(raiseFloor([], 4)).toEqual([]);
});
