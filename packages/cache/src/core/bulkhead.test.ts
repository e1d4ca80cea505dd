import { OverloadedError } from '@spillway/kernel';
import { describe, expect, test } from 'vitest';
import { createBulkhead, type Release } from './bulkhead.ts';

const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('bulkhead', () => {
  test('G7: lets in as many as have room, queues as many as it may, and refuses the rest at once', async () => {
    const bulkhead = createBulkhead('The queue', { concurrent: 2, queued: 1 });
    const first = await bulkhead.enter().admitted;
    await bulkhead.enter().admitted;
    const third = bulkhead.enter();
    expect(() => bulkhead.enter()).toThrow(OverloadedError);
    expect({ running: bulkhead.running, queued: bulkhead.queued }).toEqual({ running: 2, queued: 1 });
    first();
    await third.admitted;
    expect({ running: bulkhead.running, queued: bulkhead.queued }).toEqual({ running: 2, queued: 0 });
  });

  test('serves in the order of arrival, past those who left', async () => {
    const bulkhead = createBulkhead('The queue', { concurrent: 1, queued: 10 });
    const order: string[] = [];
    const release = await bulkhead.enter().admitted;
    const tickets = ['a', 'b', 'c'].map((name) => {
      const ticket = bulkhead.enter();
      void ticket.admitted.then((next: Release) => {
        order.push(name);
        next();
      });
      return ticket;
    });
    tickets[1]?.leave();
    expect(bulkhead.queued).toBe(2);
    release();
    await settle();
    expect(order).toEqual(['a', 'c']);
    expect(bulkhead.running).toBe(0);
  });

  test('a place given back twice counts once', async () => {
    const bulkhead = createBulkhead('The queue', { concurrent: 2, queued: 0 });
    const release = await bulkhead.enter().admitted;
    await bulkhead.enter().admitted;
    release();
    release();
    expect(bulkhead.running).toBe(1);
  });

  test('leaving after admission neither gives the place back nor disturbs the queue', async () => {
    const bulkhead = createBulkhead('The queue', { concurrent: 1, queued: 5 });
    const ticket = bulkhead.enter();
    const release = await ticket.admitted;
    ticket.leave();
    expect(bulkhead.running).toBe(1);
    const waiting = bulkhead.enter();
    release();
    await waiting.admitted;
    expect(bulkhead.running).toBe(1);
  });
});
