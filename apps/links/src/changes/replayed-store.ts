import type { CacheSpace, CacheStore, StoreState } from '@spillway/cache';
import { StoreUnavailableError } from '@spillway/kernel';
import type { Applied } from './applied.ts';
import type { ChangeLog } from './change-log.ts';

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
  const listeners = new Set<(state: StoreState, previous: StoreState) => void>();
  let gate: 'closed' | 'open' = 'closed';
  let last: StoreState = 'down';
  let timer: NodeJS.Timeout | undefined;
  // Each outage makes the replay of the one before meaningless.
  let outage = 0;

  const state = (): StoreState => (gate === 'open' ? store.state : 'down');
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
    const outcome = await replay(space, log, applied);
    if (mine !== outage || store.state === 'down') return;
    // Without the truth there is nothing newer to be had either: an old value is better than none then, and it is mended
    // as soon as the truth can be asked.
    if (outcome !== 'store-away') gate = 'open';
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
    open: (of) => store.open(of),
    close() {
      outage += 1;
      stop();
      clearTimeout(timer);
    },
  };
}

async function replay(
  space: CacheSpace,
  log: ChangeLog,
  applied: Applied,
): Promise<'done' | 'truth-away' | 'store-away'> {
  let mark: number | undefined;
  try {
    mark = await applied.read();
  } catch {
    return 'store-away';
  }
  let missed: Awaited<ReturnType<ChangeLog['since']>>;
  let newest: number;
  try {
    newest = await log.newest();
    missed = mark === undefined ? [] : await log.since(Math.max(0, mark - OVERLAP), MOST_REPLAYED + 1);
  } catch (error) {
    if (error instanceof StoreUnavailableError) return 'truth-away';
    throw error;
  }
  try {
    if (mark === undefined || missed.length > MOST_REPLAYED) await space.forget();
    else {
      const keys = [...new Set(missed.map(({ key }) => key))];
      for (let at = 0; at < keys.length; at += BATCH) await space.invalidate(keys.slice(at, at + BATCH), REMEMBER_MS);
    }
    await applied.write(newest);
    return 'done';
  } catch {
    return 'store-away';
  }
}
