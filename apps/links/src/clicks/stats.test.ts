import type { SqlQueries } from '@spillway/kernel';
import { expect, test } from 'vitest';
import { readStats } from './stats.ts';

const range = { fromMs: 0, toMs: 3_600_000, interval: 'hour' } as const;
const hours = { part: 'hours', value: '0', clicks: 2, visitors: 0, bots: 1 };
const visitors = { part: 'visitors', value: '0', clicks: 0, visitors: 1, bots: 0 };
const all = { part: 'all-visitors', value: '', clicks: 2, visitors: 1, bots: 0 };

/** Answers with one list of rows after the other, the last one for ever. */
function answering(...answers: readonly (readonly object[])[]) {
  let asked = 0;
  const sql = {
    dialect: 'postgres',
    query: async () => {
      const rows = answers[Math.min(asked, answers.length - 1)] ?? [];
      asked += 1;
      return { rows, rowCount: rows.length };
    },
  } as SqlQueries;
  return { sql, asked: () => asked };
}

test('an answer whose roll-ups know of a partition that its clicks do not is asked for again', async () => {
  const { sql, asked } = answering([hours, { ...all, clicks: 0, visitors: 0 }], [hours, visitors, all]);
  expect((await readStats(sql, 'service', range)).totals).toEqual({ clicks: 2, visitors: 1, bots: 1 });
  expect(asked()).toBe(2);
});

test('an answer that never agrees with itself, since old clicks were dropped, is given after three questions', async () => {
  const { sql, asked } = answering([hours]);
  expect((await readStats(sql, 'service', range)).totals).toEqual({ clicks: 2, visitors: 0, bots: 1 });
  expect(asked()).toBe(3);
});
