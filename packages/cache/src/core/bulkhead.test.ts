import { OverloadedError } from '@spillway/kernel';
import { describe, expect, test } from 'vitest';
import { createBulkhead } from './bulkhead.ts';

const enterAll = (bulkhead: ReturnType<typeof createBulkhead>, names: readonly string[]) => {
  const started: string[] = [];
  const waiters = names.map((name) => bulkhead.enter(() => void started.push(name)));
  return { started, waiters };
};

describe('bulkhead', () => {
  test('G7: lets in as many as have room, queues as many as it may, and refuses the rest at once', () => {
    const bulkhead = createBulkhead('The queue', { concurrent: 2, queued: 1 });
    const { started } = enterAll(bulkhead, ['a', 'b', 'c']);
    expect(() => bulkhead.enter(() => undefined)).toThrow(OverloadedError);
    expect({ running: bulkhead.running, queued: bulkhead.queued }).toEqual({ running: 2, queued: 1 });
    expect(started).toEqual(['a', 'b']);
    bulkhead.release();
    expect(started).toEqual(['a', 'b', 'c']);
    expect({ running: bulkhead.running, queued: bulkhead.queued }).toEqual({ running: 2, queued: 0 });
    bulkhead.release();
    bulkhead.release();
    expect(bulkhead.running).toBe(0);
  });

  test('serves in the order of arrival, past those who left, wherever they stood', () => {
    for (const leaving of [0, 1, 2, 3]) {
      const bulkhead = createBulkhead('The queue', { concurrent: 1, queued: 10 });
      enterAll(bulkhead, ['holder']);
      const { started, waiters } = enterAll(bulkhead, ['a', 'b', 'c', 'd']);
      const waiter = waiters[leaving];
      if (waiter !== undefined) for (const _ of [1, 2]) bulkhead.leave(waiter);
      expect(bulkhead.queued).toBe(3);
      for (let i = 0; i < 4; i += 1) bulkhead.release();
      expect(started).toEqual(['a', 'b', 'c', 'd'].filter((_, at) => at !== leaving));
      expect({ running: bulkhead.running, queued: bulkhead.queued }).toEqual({ running: 0, queued: 0 });
    }
  });

  test('who leaves makes room in the queue; leaving after the start changes nothing', () => {
    const bulkhead = createBulkhead('The queue', { concurrent: 1, queued: 1 });
    const { waiters } = enterAll(bulkhead, ['a', 'b']);
    for (const waiter of waiters) bulkhead.leave(waiter);
    expect({ running: bulkhead.running, queued: bulkhead.queued }).toEqual({ running: 1, queued: 0 });
    const { started } = enterAll(bulkhead, ['c']);
    bulkhead.release();
    expect(started).toEqual(['c']);
  });
});
