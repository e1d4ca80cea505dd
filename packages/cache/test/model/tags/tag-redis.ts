/** What the store does with one key and one tag, each command one step: `redis/tags.lua.ts` and its neighbours. */
import type { Entry, Fill, Outdated, Store, TagState, Words, World } from './tag-state.ts';

const put = (state: TagState, store: Partial<Store>, words: number): TagState => ({
  ...state,
  store: { ...state.store, ...store },
  nextWord: state.nextWord + words,
});

/** A read, and the claim of the entry where there is nothing. */
export function runRead(state: TagState): { readonly state: TagState; readonly found: Entry } {
  const { entry } = state.store;
  if (entry.kind !== 'absent') return { state, found: entry };
  const claim: Entry = { kind: 'claimed', token: state.nextWord };
  return { state: put(state, { entry: claim }, 1), found: claim };
}

export function runClaim({ variant }: World, state: TagState): { readonly state: TagState; readonly record: Words } {
  const present = state.store.record;
  if (present !== undefined) return { state, record: present };
  // A counter begins again.
  const record =
    variant === 'counter' ? { era: -1, version: -1 } : { era: state.nextWord, version: state.nextWord + 1 };
  return { state: put(state, { record }, 2), record };
}

/** Undefined: refused. */
export function runFill(world: World, state: TagState, { token, version, under }: Fill): TagState | undefined {
  const { entry } = state.store;
  if (entry.kind === 'absent' || entry.token !== token) return undefined;
  const claimed = under === 'late' ? runClaim(world, state) : { state, record: under };
  const filled: Entry = { kind: 'value', token: claimed.state.nextWord, version, under: claimed.record };
  return put(claimed.state, { entry: filled }, 1);
}

export function runOutdate({ variant }: World, state: TagState, version: number, as: Outdated): TagState {
  const { record } = state.store;
  const deleted = Math.max(state.store.deleted, version);
  const barred = as === 'invalidated' ? Math.max(state.store.barred, version) : state.store.barred;
  if (record === undefined) return put(state, { deleted, barred }, 0);
  if (variant === 'counter') {
    const next = { era: as === 'invalidated' ? record.era - 1 : record.era, version: record.version - 1 };
    return put(state, { record: next, deleted, barred }, 0);
  }
  if (as === 'invalidated') return put(state, { record: undefined, deleted, barred }, 0);
  return put(state, { record: { era: record.era, version: state.nextWord }, deleted, barred }, 1);
}

/** What became of an entry since it was loaded under `then`. */
export function outdatedBy({ variant }: World, now: Words | null | undefined, then: Words): Outdated | undefined {
  if (now === null || now === undefined) return variant === 'no record counts as valid' ? undefined : 'invalidated';
  if (now.era !== then.era) return 'invalidated';
  return now.version === then.version ? undefined : 'expired';
}
