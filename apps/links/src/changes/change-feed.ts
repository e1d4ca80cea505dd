import type { Cache } from '@spillway/cache';
import type { Bus } from '@spillway/kernel';
import type { Change, ChangeLog } from './change-log.ts';
import { createGaps } from './gaps.ts';

/**
 * Makes sure that a change is noticed whoever made it and whatever became of him: once a second every instance reads what is
 * new in the outbox, and the numbers that it passed over since their transactions were still open. Whoever made a change and
 * reached every cache tells its number over the bus; a change that nobody has told of is invalidated by everybody. So a change
 * by an instance that died after its commit, or that could not reach Redis while the others could, shows within 5 s (G5).
 */
export interface ChangeFeed {
  /** These changes have been invalidated everywhere. */
  announce(seqs: readonly number[]): void;
  /** Resolves when it has begun: changes from then on are noticed. Until then nothing may be cached. */
  readonly begun: Promise<void>;
  close(): Promise<void>;
}

export interface ChangeFeedOptions {
  readonly log: ChangeLog;
  readonly bus: Bus;
  readonly cache: Pick<Cache<unknown>, 'invalidate' | 'expire'>;
  /** Called with a number up to which everything is known to have been invalidated, as it grows, and now and then again. */
  readonly onSettled: (seq: number) => void;
  /** After so long a transaction that was open is surely not any more: it has committed, or the database has ended it. */
  readonly settleMs: number;
  readonly everyMs?: number;
  readonly now?: () => number;
  readonly random?: () => number;
}

const TOPIC = 'links.changes';
/** How long a change waits for its announcement. */
const PATIENCE_MS = 1_500;
const PAGE = 5_000;
/** How far back the first reading looks for transactions that were open when it began. */
const LOOK_BACK = 1_000;
// All that is remembered is bounded (G7), and what finds no room is invalidated once more or sooner than needed.
const MAX_ANNOUNCED = 50_000;
const MAX_DOUBTFUL = 10_000;
const MAX_GAPS = 5_000;
/** What could not be deleted in L2 at once is deleted long before. */
const MARK_DELAY_MS = 15_000;
/** So that the mark lives on where nothing changes; see `MARK_LIFE_MS`. */
const MARK_AGAIN_MS = 3_600_000;

export function createChangeFeed(options: ChangeFeedOptions): ChangeFeed {
  const { log, bus, cache, onSettled, settleMs } = options;
  const { everyMs = 1_000, now = () => performance.now(), random = Math.random } = options;
  // Announcements that came before their change was read.
  const announced = new Set<number>();
  // Read, and not announced yet.
  const doubtful = new Map<number, Change & { readonly sinceMs: number }>();
  const gaps = createGaps(MAX_GAPS);
  const heights: { readonly atMs: number; readonly seq: number }[] = [];
  let marked = { seq: -1, atMs: 0 };
  // Everything up to here was read, but for the gaps.
  let highest: number | undefined;
  let newestAtStart = 0;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();
  let closed = false;

  const hear = (seqs: readonly number[]) => {
    if (announced.size > MAX_ANNOUNCED) announced.clear();
    for (const seq of seqs) {
      const isRead = doubtful.delete(seq) || (highest !== undefined && seq <= highest && !gaps.has(seq));
      if (!isRead) announced.add(seq);
    }
  };
  const stop = bus.subscribe(TOPIC, (message) => hear(JSON.parse(message) as number[]));

  const doubt = ({ seq, key }: Change) => {
    if (!announced.delete(seq)) doubtful.set(seq, { seq, key, sinceMs: now() });
  };
  const readNew = async () => {
    if (highest === undefined) {
      newestAtStart = await log.newest();
      highest = Math.max(0, newestAtStart - LOOK_BACK);
    }
    for (let page: readonly Change[] | undefined; page === undefined || page.length === PAGE; ) {
      page = await log.since(highest, PAGE);
      for (const change of page) {
        const { seq } = change;
        if (seq > highest + 1) gaps.open({ low: highest + 1, high: seq - 1, sinceMs: now() });
        highest = seq;
        // What was changed before this instance started, it has never seen otherwise.
        if (seq > newestAtStart) doubt(change);
      }
      await invalidateDoubtful();
    }
  };
  /** What was in a transaction that committed after those that began later. */
  const readLate = async () => {
    let after = 0;
    for (let page: readonly Change[] | undefined; page === undefined || page.length === PAGE; ) {
      if (gaps.all.length === 0) return;
      page = await log.among(gaps.all, after, PAGE);
      for (const change of page) {
        gaps.fill(change.seq);
        doubt(change);
        after = change.seq;
      }
      await invalidateDoubtful();
    }
  };
  const invalidateDoubtful = async () => {
    const patienceMs = doubtful.size > MAX_DOUBTFUL ? 0 : PATIENCE_MS;
    const due = [...doubtful.values()].filter(({ sinceMs }) => now() - sinceMs >= patienceMs);
    if (due.length === 0) return;
    const keys = [...new Set(due.map(({ key }) => key))];
    const open = await log.open(keys);
    for (const { seq } of due) doubtful.delete(seq);
    // What may have been read since the change stays at hand, should the truth go away right now (G4).
    await cache.expire({ keys: keys.filter((key) => open.has(key)) });
    await cache.invalidate({ keys: keys.filter((key) => !open.has(key)) });
  };
  const mark = () => {
    gaps.forget(now() - settleMs);
    const open = [...doubtful.keys(), ...gaps.all.slice(0, 1).map(({ low }) => low)];
    heights.push({ atMs: now(), seq: open.reduce((least, seq) => Math.min(least, seq - 1), highest ?? 0) });
    const old = heights.findLastIndex(({ atMs }) => now() - atMs >= MARK_DELAY_MS);
    const { seq } = heights.splice(0, old + 1).at(-1) ?? { seq: -1 };
    if (seq < 0 || seq < marked.seq || (seq === marked.seq && now() - marked.atMs < MARK_AGAIN_MS)) return;
    marked = { seq, atMs: now() };
    onSettled(seq);
  };
  const tick = async () => {
    try {
      await readNew();
      await readLate();
      mark();
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
  const begun = tick();
  running = begun;

  return {
    begun,
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
