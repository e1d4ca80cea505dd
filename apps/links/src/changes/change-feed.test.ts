import type { InvalidateTarget } from '@spillway/cache';
import type { Bus } from '@spillway/kernel';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type ChangeFeed, createChangeFeed } from './change-feed.ts';
import type { Change, ChangeLog } from './change-log.ts';
import type { Gap } from './gaps.ts';

/** An outbox in memory, whose rows appear when their transaction commits; it counts what it hands out. */
function createOutbox() {
  const rows = new Map<number, Change>();
  let read = 0;
  const page = (wanted: (seq: number) => boolean, limit: number) => {
    const found = [...rows.values()].filter(({ seq }) => wanted(seq)).sort((a, b) => a.seq - b.seq);
    read += Math.min(limit, found.length);
    return found.slice(0, limit);
  };
  const log: ChangeLog = {
    since: async (after, limit) => page((seq) => seq > after, limit),
    among: async (gaps: readonly Gap[], after, limit) =>
      page((seq) => seq > after && gaps.some(({ low, high }) => low <= seq && seq <= high), limit),
    newest: async () => Math.max(0, ...rows.keys()),
    open: async (keys) => new Set(keys.filter((key) => !gone.has(key))),
  };
  return {
    log,
    commit(...seqs: number[]) {
      for (const seq of seqs) rows.set(seq, { seq, key: `key-${seq}` });
    },
    get read() {
      return read;
    },
  };
}

let outbox: ReturnType<typeof createOutbox>;
let feed: ChangeFeed;
let hear: (message: string) => void;
let gone: Set<string>;
let invalidated: string[];
let expired: string[];
let settled: number[];

beforeEach(() => {
  vi.useFakeTimers();
  outbox = createOutbox();
  gone = new Set();
  invalidated = [];
  expired = [];
  settled = [];
});
afterEach(async () => {
  await feed.close();
  vi.useRealTimers();
});

const outdate = (keys: string[]) => async (target: InvalidateTarget) => {
  if ('key' in target) keys.push(target.key);
  if ('keys' in target) keys.push(...target.keys);
  return 'deleted' as const;
};

const start = (settleMs = 15_000) => {
  const bus: Bus = {
    publish: () => undefined,
    subscribe(_, receive) {
      hear = receive;
      return () => undefined;
    },
    live: true,
    onGap: () => () => undefined,
    close: async () => undefined,
  };
  feed = createChangeFeed({
    log: outbox.log,
    bus,
    cache: { invalidate: outdate(invalidated), expire: outdate(expired) },
    onSettled: (seq) => settled.push(seq),
    settleMs,
    now: () => Date.now(),
    random: () => 0.5,
  });
};
const seconds = (count: number) => vi.advanceTimersByTimeAsync(count * 1_000);

test('G5: a change that nobody tells of is invalidated; one that was told of, before or after it was read, is not', async () => {
  start();
  await seconds(1);
  hear('[1]');
  outbox.commit(1, 2, 3);
  await seconds(1);
  hear('[2]');
  await seconds(3);
  expect(expired).toEqual(['key-3']);
});

test('G5: a change is noticed that commits after later ones, also one that was open when the feed began', async () => {
  outbox.commit(1, 3);
  start();
  await seconds(1);
  outbox.commit(4, 6);
  hear('[4,6]');
  await seconds(5);
  outbox.commit(2, 5);
  await seconds(4);
  expect(expired.sort()).toEqual(['key-2', 'key-5']);
});

test('G4, G5: what it finds changed may stand in for a truth that goes away, unless it is gone or guarded now', async () => {
  start();
  await seconds(1);
  gone.add('key-2');
  outbox.commit(1, 2, 3);
  await seconds(4);
  expect([expired, invalidated]).toEqual([['key-1', 'key-3'], ['key-2']]);
});

test('G5: nothing is forgotten when the truth goes away just then', async () => {
  start();
  await seconds(1);
  outbox.commit(1);
  await seconds(1);
  const { open } = outbox.log;
  outbox.log.open = async () => Promise.reject(new Error('away'));
  await seconds(4);
  expect(expired).toEqual([]);
  outbox.log.open = open;
  await seconds(2);
  expect(expired).toEqual(['key-1']);
});

test('the outbox is read once, not over and over', async () => {
  start();
  await seconds(1);
  const seqs = Array.from({ length: 2_000 }, (_, i) => 2 * i + 1);
  outbox.commit(...seqs);
  hear(JSON.stringify(seqs));
  await seconds(60);
  expect(outbox.read).toBe(2_000);
});

test('what is settled stays below a transaction that may still be open, for as long as the database lets it be', async () => {
  outbox.commit(1);
  start(450_000);
  await seconds(1);
  outbox.commit(2, 4);
  hear('[2,4]');
  await seconds(400);
  expect(settled.at(-1)).toBe(2);
  await seconds(100);
  expect(settled.at(-1)).toBe(4);
  expect(settled).toEqual([...settled].sort((a, b) => a - b));
});

test('what is settled is told again every hour, and not in between', async () => {
  outbox.commit(1);
  start();
  await seconds(3_000);
  expect(settled).toEqual([1]);
  await seconds(3_600);
  expect(settled).toEqual([1, 1]);
});

test('G7: of changes that nobody tells of, no more wait than there is room for', async () => {
  start();
  await seconds(1);
  outbox.commit(...Array.from({ length: 30_000 }, (_, i) => i + 1));
  await seconds(1);
  // More than fits is not waited for.
  expect(expired.length).toBeGreaterThanOrEqual(15_000);
  await seconds(3);
  expect(new Set(expired).size).toBe(30_000);
  expect(expired).toHaveLength(30_000);
});
