import type { Cache } from '@spillway/cache';
import type { Bus } from '@spillway/kernel';
import type { Change, ChangeLog } from './change-log.ts';

/**
 * Makes sure that a change is noticed whoever made it and whatever became of him: every instance reads the tail of the outbox
 * once a second. Whoever made a change and reached every cache tells its number over the bus; a change that nobody has told of
 * is invalidated by everybody. So a change by an instance that died after its commit, or that could not reach Redis while the
 * others could, shows within 5 seconds (G5).
 */
export interface ChangeFeed {
  /** These changes have been invalidated everywhere. */
  announce(seqs: readonly number[]): void;
  close(): Promise<void>;
}

export interface ChangeFeedOptions {
  readonly log: ChangeLog;
  readonly bus: Bus;
  readonly cache: Pick<Cache<unknown>, 'invalidate'>;
  /** Called with a number up to which everything is known to have been invalidated, as it grows. */
  readonly onSettled: (seq: number) => void;
  readonly everyMs?: number;
  readonly now?: () => number;
  readonly random?: () => number;
}

const TOPIC = 'links.changes';
/** How long a change waits for its announcement. */
const PATIENCE_MS = 1_500;
/** A transaction that is open for longer is ended by the database: nothing older can still appear. */
const SETTLE_MS = 15_000;
const PAGE = 5_000;
/** Announcements that came before their change was read (G7). */
const MAX_ANNOUNCED = 50_000;

export function createChangeFeed(options: ChangeFeedOptions): ChangeFeed {
  const { log, bus, cache, onSettled, everyMs = 1_000, now = () => performance.now(), random = Math.random } = options;
  const announced = new Set<number>();
  const known = new Set<number>();
  const doubtful = new Map<number, Change & { readonly sinceMs: number }>();
  const heights: { readonly atMs: number; readonly seq: number }[] = [];
  let settled: number | undefined;
  let highest = 0;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();
  let closed = false;

  const hear = (seqs: readonly number[]) => {
    if (announced.size > MAX_ANNOUNCED) announced.clear();
    for (const seq of seqs) {
      announced.add(seq);
      doubtful.delete(seq);
    }
  };
  const stop = bus.subscribe(TOPIC, (message) => hear(JSON.parse(message) as number[]));

  const read = async () => {
    if (settled === undefined) {
      // What was changed before this instance started, it has never seen otherwise.
      settled = await log.newest();
      highest = settled;
    }
    for (let from = settled; ; ) {
      const page = await log.since(from, PAGE);
      for (const { seq, key } of page) {
        if (known.has(seq)) continue;
        known.add(seq);
        if (!announced.has(seq)) doubtful.set(seq, { seq, key, sinceMs: now() });
      }
      from = page.at(-1)?.seq ?? from;
      highest = Math.max(highest, from);
      if (page.length < PAGE) return;
    }
  };
  const invalidateDoubtful = async () => {
    const due = [...doubtful.values()].filter(({ sinceMs }) => now() - sinceMs >= PATIENCE_MS);
    if (due.length === 0) return;
    for (const { seq } of due) doubtful.delete(seq);
    await cache.invalidate({ keys: due.map(({ key }) => key) });
  };
  const settle = () => {
    heights.push({ atMs: now(), seq: highest });
    const old = heights.findLastIndex(({ atMs }) => now() - atMs >= SETTLE_MS);
    if (old === -1) return;
    const { seq } = heights[old] ?? { seq: 0 };
    heights.splice(0, old + 1);
    if (settled === undefined || seq <= settled) return;
    settled = seq;
    for (const one of known) if (one <= seq) known.delete(one);
    for (const one of announced) if (one <= seq) announced.delete(one);
    onSettled(seq);
  };
  const tick = async () => {
    try {
      await read();
      await invalidateDoubtful();
      settle();
    } catch {
      // The truth is away: then nothing changes either, and the next round finds what did.
    }
    if (!closed) schedule();
  };
  const schedule = () => {
    timer = setTimeout(
      () => {
        running = tick();
      },
      everyMs * (0.8 + random() * 0.4),
    );
    timer.unref();
  };
  schedule();

  return {
    announce(seqs) {
      if (seqs.length === 0) return;
      hear(seqs);
      bus.publish(TOPIC, JSON.stringify(seqs));
    },
    async close() {
      closed = true;
      clearTimeout(timer);
      stop();
      await running;
    },
  };
}
