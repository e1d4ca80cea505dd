import { channel } from 'node:diagnostics_channel';
import { ConfigurationError, OverloadedError, StoreUnavailableError } from '@spillway/kernel';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { BlockMessage } from './block-channel.ts';
import type { Block, BlockSource } from './block-source.ts';
import { BlockOutOfRangeError, BlockSizeMismatchError } from './errors.ts';
import { createIdAllocator } from './id-allocator.ts';
import { memoryBlocks } from './memory/memory-blocks.ts';

/** A source that answers when told to. */
function heldSource() {
  const calls: { resolve(block: Block): void; reject(error: unknown): void }[] = [];
  let answered = 0;
  const source: BlockSource = {
    next: () => new Promise((resolve, reject) => calls.push({ resolve, reject })),
  };
  const oldest = () => {
    const call = calls[answered];
    if (call === undefined) throw new Error('nobody asked the source');
    answered += 1;
    return call;
  };
  return {
    source,
    get asked() {
      return calls.length;
    },
    give: async (number: number) => {
      oldest().resolve({ number, proposedBy: 'test', conflicts: 0 });
      await vi.advanceTimersByTimeAsync(0);
    },
    fail: async (error: unknown = new Error('away')) => {
      oldest().reject(error);
      await vi.advanceTimersByTimeAsync(0);
    },
  };
}

const settled = async (promise: Promise<unknown>) => {
  let state = 'waiting';
  promise.then(
    () => (state = 'resolved'),
    () => (state = 'rejected'),
  );
  await vi.advanceTimersByTimeAsync(0);
  return state;
};

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('an id allocator', () => {
  test('counts from 1, block after block', async () => {
    const ids = createIdAllocator({ source: memoryBlocks(), blockSize: 3 });
    const got: number[] = [];
    for (let i = 0; i < 10; i++) got.push(await ids.next());
    expect(got).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  test('G1: gives a thousand callers at once a thousand ids', async () => {
    const ids = createIdAllocator({ source: memoryBlocks(), blockSize: 7 });
    const got = await Promise.all(Array.from({ length: 1_000 }, () => ids.next()));
    expect(new Set(got).size).toBe(1_000);
  });

  test('G1: two on one source never meet', async () => {
    const source = memoryBlocks();
    const [one, other] = [createIdAllocator({ source, blockSize: 5 }), createIdAllocator({ source, blockSize: 5 })];
    const got = await Promise.all(Array.from({ length: 500 }, (_, i) => (i % 2 === 0 ? one : other).next()));
    expect(new Set(got).size).toBe(500);
  });

  test('asks for nothing until the first id is wanted', () => {
    const held = heldSource();
    createIdAllocator({ source: held.source });
    expect(held.asked).toBe(0);
  });

  test('asks for one block at a time, however many wait', async () => {
    const held = heldSource();
    const ids = createIdAllocator({ source: held.source, blockSize: 10 });
    const waiting = Array.from({ length: 25 }, () => ids.next());
    expect(held.asked).toBe(1);
    await held.give(1);
    expect(held.asked).toBe(2);
    await held.give(2);
    await held.give(3);
    expect(await Promise.all(waiting)).toEqual(Array.from({ length: 25 }, (_, i) => i + 1));
  });

  test('fetches the next block when half of one is left, so that nobody waits for it', async () => {
    const held = heldSource();
    const ids = createIdAllocator({ source: held.source, blockSize: 10 });
    const first = ids.next();
    await held.give(1);
    await first;
    for (let id = 2; id <= 5; id++) await ids.next();
    expect(held.asked).toBe(1);
    expect(await ids.next()).toBe(6);
    expect(held.asked).toBe(2);
    // The block lands while ids are left: the tenth and the eleventh are there at once.
    await held.give(5);
    for (const id of [7, 8, 9, 10, 41])
      expect(await settled(ids.next().then((got) => expect(got).toBe(id)))).toBe('resolved');
  });

  test('never holds more than one block and the prefetched part', async () => {
    const ids = createIdAllocator({ source: memoryBlocks(), blockSize: 100 });
    for (let i = 0; i < 1_000; i++) {
      await ids.next();
      await vi.advanceTimersByTimeAsync(0);
      expect(ids.stats().remaining).toBeLessThanOrEqual(150);
    }
  });

  test('takes batches whole, over the edges of blocks and larger than one', async () => {
    const ids = createIdAllocator({ source: memoryBlocks(), blockSize: 10 });
    expect(await ids.take(8)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(await ids.take(35)).toEqual(Array.from({ length: 35 }, (_, i) => i + 9));
    expect(await ids.next()).toBe(44);
  });

  test.each([0, -1, 1.5, Number.NaN, 1_000_001])('refuses a batch of %d', async (count) => {
    await expect(createIdAllocator({ source: memoryBlocks() }).take(count)).rejects.toThrow(RangeError);
  });
});

describe('an id allocator whose source is away', () => {
  test('gives out what is in hand, and only then says no, with the cause', async () => {
    const held = heldSource();
    const ids = createIdAllocator({ source: held.source, blockSize: 4, name: 'links' });
    const first = ids.next();
    await held.give(1);
    await first;
    await ids.next();
    await ids.next();
    const cause = new Error('connection refused');
    await held.fail(cause);
    expect(await ids.next()).toBe(4);
    const refused = await ids.next().catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(StoreUnavailableError);
    expect(refused).toMatchObject({ cause, operation: 'links', retryable: true });
  });

  test('refuses a batch that does not fit, and still serves one that does', async () => {
    const held = heldSource();
    const ids = createIdAllocator({ source: held.source, blockSize: 4 });
    const first = ids.next();
    await held.give(1);
    await first;
    const [large, small] = [ids.take(9), ids.take(3)];
    large.catch(() => undefined);
    await held.fail();
    await expect(large).rejects.toThrow(StoreUnavailableError);
    expect(await small).toEqual([2, 3, 4]);
  });

  test('tries again by itself, and never in step with others: 50 ms doubled up to 1 s, half of it by chance', async () => {
    for (const [chance, pauses] of [
      [0, [25, 50, 100, 200, 400, 500, 500]],
      [0.999_999, [50, 100, 200, 400, 800, 1_000, 1_000]],
    ] as const) {
      const held = heldSource();
      const ids = createIdAllocator({ source: held.source, random: () => chance });
      await settled(ids.next());
      for (const [tries, pause] of pauses.entries()) {
        await held.fail();
        await vi.advanceTimersByTimeAsync(pause - 2);
        expect(held.asked).toBe(tries + 1);
        await vi.advanceTimersByTimeAsync(3);
        expect(held.asked).toBe(tries + 2);
      }
      await held.give(1);
      expect(await ids.next()).toBe(1);
      await ids.close();
    }
  });

  test('spares a source that just failed: callers in the pause are refused without a try', async () => {
    const held = heldSource();
    const ids = createIdAllocator({ source: held.source });
    const first = ids.next();
    first.catch(() => undefined);
    await held.fail();
    for (let i = 0; i < 100; i++) await expect(ids.next()).rejects.toThrow(StoreUnavailableError);
    expect(held.asked).toBe(1);
  });

  test('lets a caller of a hung source go after its patience, and uses the block when it comes at last', async () => {
    const held = heldSource();
    const ids = createIdAllocator({ source: held.source, patience: '2s' });
    const hung = ids.next();
    hung.catch(() => undefined);
    await vi.advanceTimersByTimeAsync(1_999);
    expect(await settled(hung)).toBe('waiting');
    await vi.advanceTimersByTimeAsync(1);
    await expect(hung).rejects.toThrow(/within 2000 ms/);
    expect(ids.stats().waiting).toBe(0);
    await held.give(1);
    expect(await ids.next()).toBe(1);
  });

  test('G7: refuses callers beyond its bound', async () => {
    const held = heldSource();
    const ids = createIdAllocator({ source: held.source, maxWaiting: 2 });
    const waiting = [ids.next(), ids.next()];
    await expect(ids.next()).rejects.toThrow(OverloadedError);
    await held.give(1);
    expect(await Promise.all(waiting)).toEqual([1, 2]);
  });

  test('lets go of a caller who gave up, and burns no id for him', async () => {
    const held = heldSource();
    const ids = createIdAllocator({ source: held.source });
    const abort = new AbortController();
    const [given, kept] = [ids.next({ signal: abort.signal }), ids.next()];
    given.catch(() => undefined);
    abort.abort(new Error('client went away'));
    await expect(given).rejects.toThrow('client went away');
    await expect(ids.take(2, { signal: abort.signal })).rejects.toThrow('client went away');
    await held.give(1);
    expect(await kept).toBe(1);
  });

  test('passes on what no new try can mend', async () => {
    const held = heldSource();
    const ids = createIdAllocator({ source: held.source });
    const first = ids.next();
    first.catch(() => undefined);
    await held.fail(new BlockSizeMismatchError('ids', 10_000, 500));
    await expect(first).rejects.toThrow(/Set blockSize to 500/);
  });

  test.each([0, 1.5, Number.NaN, '7', Number.MAX_SAFE_INTEGER])('uses no block numbered %o', async (number) => {
    const held = heldSource();
    const ids = createIdAllocator({ source: held.source });
    const first = ids.next();
    first.catch(() => undefined);
    await held.give(number as number);
    await expect(first).rejects.toThrow(BlockOutOfRangeError);
  });
});

describe('a closed id allocator', () => {
  test('refuses those who wait and those who come, and waits for the block under way', async () => {
    const held = heldSource();
    const ids = createIdAllocator({ source: held.source });
    const waiting = ids.next();
    waiting.catch(() => undefined);
    const closing = ids.close();
    await expect(waiting).rejects.toThrow(/was closed/);
    expect(await settled(closing)).toBe('waiting');
    await held.give(1);
    await closing;
    await expect(ids.next()).rejects.toThrow(/was closed/);
    await expect(ids.take(2)).rejects.toThrow(/was closed/);
    expect(ids.stats()).toMatchObject({ remaining: 0, state: 'closed' });
    expect(held.asked).toBe(1);
  });

  test('tells its source, and does not try again', async () => {
    let signal: AbortSignal | undefined;
    const held = heldSource();
    const source: BlockSource = {
      next: (request) => {
        signal = request.signal;
        return held.source.next(request);
      },
    };
    const ids = createIdAllocator({ source });
    await settled(ids.next());
    await held.fail();
    await ids.close();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(signal?.aborted).toBe(true);
    expect(held.asked).toBe(1);
  });
});

describe('what an id allocator tells', () => {
  test('its figures', async () => {
    const ids = createIdAllocator({ source: memoryBlocks(), blockSize: 10 });
    await ids.take(12);
    await vi.advanceTimersByTimeAsync(0);
    expect(ids.stats()).toEqual({
      issued: 12,
      remaining: 8,
      blocks: 2,
      lastBlock: 2,
      proposals: { memory: 2 },
      conflicts: 0,
      failures: 0,
      waiting: 0,
      state: 'idle',
    });
  });

  test('a message per block on spillway:ids:block', async () => {
    const messages: BlockMessage[] = [];
    const listen = (message: unknown) => void messages.push(message as BlockMessage);
    channel('spillway:ids:block').subscribe(listen);
    const held = heldSource();
    const ids = createIdAllocator({ source: held.source, blockSize: 10, name: 'links' });
    const first = ids.next();
    await held.give(7);
    await first;
    const error = new Error('away');
    await ids.take(5);
    await held.fail(error);
    channel('spillway:ids:block').unsubscribe(listen);
    expect(messages).toMatchObject([
      {
        outcome: 'taken',
        allocator: 'links',
        number: 7,
        first: 61,
        size: 10,
        proposedBy: 'test',
        conflicts: 0,
        remaining: 9,
      },
      { outcome: 'failed', allocator: 'links', error, remaining: 4 },
    ]);
  });

  test('all that is wrong with its settings, at once', () => {
    const make = () =>
      createIdAllocator({ source: memoryBlocks(), blockSize: 0, prefetchAt: 2, maxWaiting: 1.5, patience: '2s' });
    expect(make).toThrow(ConfigurationError);
    expect(make).toThrow(/blockSize: .*got 0\n.*maxWaiting: .*got 1.5\n.*prefetchAt: .*got 2/s);
  });
});
