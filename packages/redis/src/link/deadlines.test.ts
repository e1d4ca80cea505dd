import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { DeadlineQueue } from './deadlines.ts';

function item(log: string[], name: string) {
  return {
    settled: false,
    expire(deadlineMs: number) {
      this.settled = true;
      log.push(`${name} after ${deadlineMs}`);
    },
  };
}

async function waitUntil(condition: () => boolean) {
  while (!condition()) await turn();
}

test('what is not answered expires, batch by batch, with one miss per sweep', async () => {
  const log: string[] = [];
  const queue = new DeadlineQueue<ReturnType<typeof item>>(5, () => log.push('miss'));
  const [a, b, c] = ['a', 'b', 'c'].map((name) => item(log, name));
  if (a === undefined || b === undefined || c === undefined) throw new Error('three items');
  queue.add(a);
  const batch = queue.add(b);
  queue.add(c);
  queue.sent(performance.now());
  b.settled = true;
  queue.settle(batch);
  expect(queue.idle).toBe(false);
  await waitUntil(() => log.length === 3);
  expect(log).toEqual(['a after 5', 'c after 5', 'miss']);
  expect(queue.idle).toBe(true);
});

test('the clock of a command starts when it is written', async () => {
  const log: string[] = [];
  const queue = new DeadlineQueue<ReturnType<typeof item>>(1, () => log.push('miss'));
  queue.add(item(log, 'gathered'));
  const start = performance.now();
  await waitUntil(() => performance.now() > start + 10);
  expect(log).toEqual([]);
  queue.sent(performance.now());
  await waitUntil(() => log.length === 2);
});

test('answered batches leave the queue at once, in whatever order', () => {
  const queue = new DeadlineQueue<ReturnType<typeof item>>(60_000, () => undefined);
  const batches = Array.from({ length: 3 }, (_, i) => {
    const batch = queue.add(item([], String(i)));
    queue.sent(0);
    return batch;
  });
  for (const i of [2, 0, 1]) {
    expect(queue.idle).toBe(false);
    const batch = batches[i];
    if (batch !== undefined) queue.settle(batch);
  }
  expect(queue.idle).toBe(true);
  queue.stop();
});
