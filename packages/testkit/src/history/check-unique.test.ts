import { seededRandom } from '@spillway/kernel';
import { expect, test } from 'vitest';
import { checkUnique } from './check-unique.ts';
import type { HistoryEvent } from './history.ts';

type Created = Extract<HistoryEvent, { kind: 'created' }>;

const created = (by: string, code: string, more: Partial<Created> = {}): Created => ({
  kind: 'created',
  by,
  code,
  url: `https://example.com/${code}`,
  sentMs: 0,
  answeredMs: 1,
  ...more,
});

/** Three processes that each made 1,000 links of their own. */
const healthy = () =>
  ['a', 'b', 'c'].map((by, p) =>
    Array.from({ length: 1_000 }, (_, i) => created(by, `${by}${i}`, { id: p * 1_000 + i })),
  );

test('G1: histories without a repetition break nothing', () => {
  expect(checkUnique(healthy())).toEqual([]);
});

test('G1: a planted second use of an id is found wherever it lies', () => {
  for (let seed = 1; seed <= 50; seed++) {
    const random = seededRandom(seed);
    const histories = healthy();
    const at = () => Math.floor(random() * 1_000);
    const victim = histories[0]?.[at()];
    const other = histories[1]?.[at()];
    if (victim === undefined || other === undefined || other.id === undefined) throw new Error('no such event');
    histories[2]?.splice(at(), 1, created('c', 'new', { id: other.id }));
    const violations = checkUnique(histories);
    expect(violations, `seed ${seed}`).toHaveLength(1);
    expect(violations[0]?.message).toContain(`id ${other.id} was given out 2 times, by b, c`);
  }
});

test('G1: one code from two processes is found, also when the ids differ', () => {
  const violations = checkUnique([[created('a', 'x', { id: 1 })], [created('b', 'x', { id: 2 })]]);
  expect(violations.map((violation) => violation.message)).toEqual(['The code "x" was given out 2 times, by a, b']);
});

test('G1: one code twice from one process is found', () => {
  expect(checkUnique([[created('a', 'x'), created('a', 'x')]])).toHaveLength(1);
});

test('G1: bare ids of an allocator are checked as those of links', () => {
  const ids = (by: string, from: number): HistoryEvent[] => [0, 1, 2].map((i) => ({ kind: 'id', by, id: from + i }));
  expect(checkUnique([ids('a', 0), ids('b', 3)])).toEqual([]);
  expect(checkUnique([ids('a', 0), ids('b', 2)])).toHaveLength(1);
});

test('G1: the answer to a retry under the same key is no second link', () => {
  const answer = (by: string) => created(by, 'x', { id: 1, idempotencyKey: 'k' });
  expect(checkUnique([[answer('a')], [answer('b')]])).toEqual([]);
});

test('G1: a retry under the same key that made a second link is found', () => {
  const first = created('a', 'x', { id: 1, idempotencyKey: 'k' });
  const second = created('b', 'y', { id: 2, idempotencyKey: 'k' });
  expect(checkUnique([[first], [second]])).toHaveLength(1);
});

test('G1: a key does not excuse a code that another creation got', () => {
  const retried = created('a', 'x', { id: 1, idempotencyKey: 'k' });
  expect(checkUnique([[retried], [created('b', 'x', { id: 2 })]])).toHaveLength(1);
  expect(checkUnique([[retried], [{ ...retried, url: 'https://example.com/other' }]])).not.toEqual([]);
});
