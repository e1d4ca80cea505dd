import { expect, test } from 'vitest';
import { handClock } from '../testing/fixture.ts';
import { sessionRecordsSuite } from '../testing/session-records-suite.ts';
import { createSessionStore } from './create-session-store.ts';
import { memorySessionRecords } from './memory-session-records.ts';

const clock = handClock();
sessionRecordsSuite({
  name: 'memory',
  create: () => memorySessionRecords({ clock }),
  pass: async (ms) => clock.advanceMs(ms),
});

test('G7: a full memory refuses new sessions, keeps those it has, and finds room when they end', async () => {
  const records = memorySessionRecords({ clock, maxEntries: 10 });
  const store = createSessionStore<number>({ records, ttl: '1m' });
  const sessions = await Promise.all(Array.from({ length: 10 }, (_, n) => store.start(n)));
  await expect(store.start(10)).rejects.toThrow('The memory for sessions is full (10)');
  for (const [n, { id }] of sessions.entries()) expect((await store.get(id))?.data).toBe(n);
  expect((await store.save(sessions[0] as (typeof sessions)[0], 7)).outcome).toBe('saved');
  clock.advanceMs(61_000);
  for (let n = 0; n < 10; n += 1) await store.start(n);
  await expect(store.start(10)).rejects.toThrow('is full');
});

test('a session lives for a while', () => {
  expect(() => createSessionStore({ records: memorySessionRecords(), ttl: '0ms' })).toThrow(
    'got ttl "0ms"; write e.g. "30m"',
  );
});
