/** The store's scripts, each one step; what `packages/cache/src/redis` does to one key. */
import type { CacheState, Delete, Entry, Store, World } from './state.ts';

/** The deletion that is known here. */
function deletionIn(entry: Entry): number | undefined {
  if (entry.kind === 'deleted') return entry.version;
  return entry.kind === 'value' ? entry.deletion : undefined;
}

const put = (state: CacheState, store: Partial<Store>): CacheState => ({
  ...state,
  store: { ...state.store, ...store },
  nextToken: state.nextToken + 1,
});

/** A read, and the claim where there is nothing. */
export function runRead(state: CacheState): { readonly state: CacheState; readonly found: Entry } {
  const { entry } = state.store;
  if (entry.kind !== 'absent') return { state, found: entry };
  const claim: Entry = { kind: 'claimed', token: state.nextToken };
  return { state: put(state, { entry: claim }), found: claim };
}

/** Undefined: refused. */
export function runFill(world: World, state: CacheState, token: number, version: number): CacheState | undefined {
  const { entry } = state.store;
  const fits = entry.kind !== 'absent' && entry.token === token;
  if (!fits && world.variant !== 'fill without token') return undefined;
  const forgets = world.isLive(version) || world.variant === 'negative entry that forgets a deletion';
  const deletion = forgets ? undefined : deletionIn(entry);
  return put(state, { entry: { kind: 'value', token: state.nextToken, version, fresh: true, deletion } });
}

export function runDelete(world: World, state: CacheState, run: Pick<Delete, 'as' | 'version' | 'bars'>): CacheState {
  const { entry } = state.store;
  const deleted = Math.max(state.store.deleted, run.version);
  const mark = (version: number): Entry => ({ kind: 'deleted', token: state.nextToken, version });
  if (entry.kind === 'absent') return put(state, { deleted });
  const barred = Math.max(state.store.barred, run.bars);
  if (run.as === 'invalidated') return put(state, { entry: mark(run.bars), deleted, barred });
  // An expiry remembers nothing new, and forgets nothing.
  const known = world.variant === 'expire that forgets a deletion' ? undefined : deletionIn(entry);
  return put(state, { entry: known === undefined ? { kind: 'absent' } : mark(known), deleted, barred });
}

/** Its time is over: a value may still stand in, nothing else is left of the rest. */
export function goStale(world: World, { entry, ...store }: Store): Store | undefined {
  if (entry.kind !== 'value' || !entry.fresh) return undefined;
  if (world.isLive(entry.version)) return { ...store, entry: { ...entry, fresh: false } };
  const { token, deletion } = entry;
  return {
    ...store,
    entry: deletion === undefined ? { kind: 'absent' } : { kind: 'deleted', token, version: deletion },
  };
}
