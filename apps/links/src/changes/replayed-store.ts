import type { CacheSpace, CacheStore, StoreState } from '@spillway/cache';
import type { Applied } from './applied.ts';
import type { ChangeLog } from './change-log.ts';
import { doubtedSpace } from './doubted-space.ts';

/** A second tier that is `down` after every outage until the changes that it may have missed are deleted from it. */
export interface ReplayedStore extends CacheStore {
  close(): void;
}

export interface ReplayedStoreOptions {
  readonly store: CacheStore;
  /** The cache's name. */
  readonly name: string;
  readonly log: ChangeLog;
  readonly applied: Applied;
}

/** Changes of transactions that were open while later ones committed: so many before the mark are replayed as well. */
const OVERLAP = 1_000;
/** With more missed changes than this, everything in the store counts as invalidated instead. */
const MOST_REPLAYED = 20_000;
const BATCH = 500;
const REMEMBER_MS = 86_400_000;
const RETRY_MS = 500;

export function replayedStore({ store, name, log, applied }: ReplayedStoreOptions): ReplayedStore {
  const space = store.open(name);
  const truth = asTruth(log);
  const listeners = new Set<(state: StoreState, previous: StoreState) => void>();
  let gate: 'closed' | 'doubted' | 'open' = 'closed';
  let last: StoreState = 'down';
  let timer: NodeJS.Timeout | undefined;
  // Each outage makes the replay of the one before meaningless.
  let outage = 0;

  const state = (): StoreState => (gate === 'closed' ? 'down' : store.state);
  const tell = () => {
    const now = state();
    if (now === last) return;
    const previous = last;
    last = now;
    for (const listener of [...listeners]) listener(now, previous);
  };
  const again = (mine: number) => {
    clearTimeout(timer);
    timer = setTimeout(() => void run(mine), RETRY_MS);
    timer.unref();
  };
  const run = async (mine: number): Promise<void> => {
    const outcome = await replay(space, truth, applied);
    if (mine !== outage || store.state === 'down') return;
    // Without the truth there is nothing newer to be had either: an old value is better than none then. It may stand in, but
    // does not count as fresh, so that it gets into no L1 and the truth is asked as soon as it can be.
    if (outcome === 'truth-away') gate = 'doubted';
    if (outcome === 'done') gate = 'open';
    if (outcome !== 'done') again(mine);
    tell();
  };
  const stop = store.onState((now, previous) => {
    if (now === 'down') {
      outage += 1;
      gate = 'closed';
      clearTimeout(timer);
    } else if (previous === 'down') void run(outage);
    tell();
  });
  if (store.state !== 'down') void run(outage);

  return {
    get state() {
      return state();
    },
    onState(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    open: (of) => doubtedSpace(store.open(of), () => gate === 'doubted'),
    close() {
      outage += 1;
      stop();
      clearTimeout(timer);
    },
  };
}

type Outcome = 'done' | 'truth-away' | 'store-away';

async function replay(space: CacheSpace, log: ChangeLog, applied: Applied): Promise<Outcome> {
  try {
    const mark = await applied.read();
    const newest = await log.newest();
    const missed = mark === undefined ? [] : await log.since(Math.max(0, mark - OVERLAP), MOST_REPLAYED + 1);
    if (mark === undefined || missed.length > MOST_REPLAYED) await space.forget();
    else await deleteAll(space, log, [...new Set(missed.map(({ key }) => key))]);
    await applied.write(newest);
    return 'done';
  } catch (error) {
    if (error instanceof TruthAwayError) return 'truth-away';
    return 'store-away';
  }
}

/**
 * Only what may not redirect without the truth is remembered as deleted. Of the rest old copies may still stand in when the truth is
 * away later: a link that redirects to where it led before is better than none (G4).
 */
async function deleteAll(space: CacheSpace, log: ChangeLog, keys: readonly string[]): Promise<void> {
  for (let at = 0; at < keys.length; at += BATCH) {
    const some = keys.slice(at, at + BATCH);
    const open = await log.open(some);
    const barred = some.filter((key) => !open.has(key));
    if (open.size > 0) await space.invalidate([...open], 0);
    if (barred.length > 0) await space.invalidate(barred, REMEMBER_MS);
  }
}

class TruthAwayError extends Error {}

/** Tells the truth's failures from the store's: both say `StoreUnavailableError`. */
const asTruth = (log: ChangeLog): ChangeLog => {
  const told = async <Result>(work: Promise<Result>): Promise<Result> => {
    try {
      return await work;
    } catch (cause) {
      throw new TruthAwayError('The truth is away', { cause });
    }
  };
  return {
    since: (seq, limit) => told(log.since(seq, limit)),
    among: (gaps, seq, limit) => told(log.among(gaps, seq, limit)),
    newest: () => told(log.newest()),
    open: (keys) => told(log.open(keys)),
  };
};
