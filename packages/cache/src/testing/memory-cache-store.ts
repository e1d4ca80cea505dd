import type { Clock } from '@spillway/kernel';
import type { CacheSpace, CacheStore, EntryTag, StoreFill, StoreRead, StoreState } from '../store.ts';
import { type MemoryLease, memoryLeases } from './memory-leases.ts';
import { memoryTagRecords } from './memory-tag-records.ts';

interface Entry {
  readonly kind: 'claimed' | 'deleted' | 'value' | 'negative';
  readonly token: string;
  readonly text: string;
  readonly loadedMs: number;
  readonly freshUntilMs: number;
  readonly goneMs: number;
  /** Of a negative entry: it stands in place of a deletion, which is known again when it is over. */
  readonly deleted?: boolean;
  readonly tags?: readonly EntryTag[] | undefined;
}

export type Operation =
  | 'read'
  | 'claim'
  | 'fill'
  | 'touch'
  | 'invalidate'
  | 'replace'
  | 'forget'
  | 'lease'
  | 'readTags'
  | 'claimTags'
  | 'outdateTags';

/** A second tier in this process, for unit tests: several caches may share it, and faults are put in by hand. */
export interface MemoryCacheStore extends CacheStore {
  state: StoreState;
  /** Changes the state, and tells of it. */
  turn(state: StoreState): void;
  /** Called before each operation takes effect: throw, or wait, to make it fail or come late. */
  before: (operation: Operation, key: string) => Promise<void> | void;
  /** Called after it took effect, before its caller hears of it. */
  after: (operation: Operation, key: string) => Promise<void> | void;
  /** What every operation did, in order. */
  readonly log: string[];
  flush(): void;
  /** Loses the record of a tag, as a server does that needs room. */
  evictTag(cache: string, tag: string): void;
  /** Entries and records of tags. */
  readonly size: number;
}

const isDeletion = (entry: Entry): boolean => entry.kind === 'deleted' || entry.deleted === true;

export function memoryCacheStore(clock: Clock): MemoryCacheStore {
  const entries = new Map<string, Entry>();
  const listeners = new Set<(state: StoreState, previous: StoreState) => void>();
  const leases = new Map<string, MemoryLease>();
  const disowned = new Map<string, number>();
  const tagRecords = memoryTagRecords(clock);
  let ids = 0;
  const nowMs = (): number => clock.nowUs() / 1000;
  const nextToken = (): string => `t${++ids}`;
  const get = (id: string): Entry | undefined => {
    const entry = entries.get(id);
    return entry === undefined || entry.goneMs <= nowMs() ? undefined : entry;
  };
  const blank = (kind: 'claimed' | 'deleted', forMs: number): Entry => ({
    kind,
    token: nextToken(),
    text: '',
    loadedMs: nowMs(),
    freshUntilMs: 0,
    goneMs: nowMs() + forMs,
  });

  const toRead = (entry: Entry | undefined, disownedMs: number): StoreRead => {
    if (entry === undefined) return { kind: 'absent' };
    const { kind, token, text, freshUntilMs, tags } = entry;
    if (kind === 'claimed') return { kind, token };
    if (kind === 'deleted') return { kind, token };
    if (entry.loadedMs < disownedMs) return { kind: 'claimed', token };
    const freshForMs = freshUntilMs - nowMs();
    if (entry.deleted === true && freshForMs <= 0) return { kind: 'deleted', token };
    const rest = { token, freshForMs, ...(tags === undefined ? {} : { tags }) };
    if (kind === 'value') return { kind, ...rest, text };
    return { kind, ...rest, ...(entry.deleted === true ? { deleted: true } : {}) };
  };

  const store: MemoryCacheStore = {
    state: 'up',
    before: () => undefined,
    after: () => undefined,
    log: [],
    onState(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    turn(state) {
      const previous = store.state;
      store.state = state;
      for (const listener of listeners) listener(state, previous);
    },
    flush() {
      entries.clear();
      tagRecords.clear();
    },
    evictTag: (cache, tag) => tagRecords.outdate(cache, [tag], 'invalidated'),
    get size() {
      return entries.size + tagRecords.size;
    },
    open(name): CacheSpace {
      const idOf = (key: string): string => JSON.stringify([name, key]);
      const disownedMs = (): number => disowned.get(name) ?? Number.NEGATIVE_INFINITY;
      const act = async <Result>(operation: Operation, key: string, effect: () => Result): Promise<Result> => {
        store.log.push(`${operation} ${key}`);
        await store.before(operation, key);
        const result = effect();
        await store.after(operation, key);
        return result;
      };
      return {
        read: (key) => act('read', key, () => toRead(get(idOf(key)), disownedMs())),
        claim: (key, forMs) =>
          act('claim', key, () => {
            const present = get(idOf(key)) ?? blank('claimed', forMs);
            entries.set(idOf(key), present);
            return toRead(present, disownedMs()) as Exclude<StoreRead, { kind: 'absent' }>;
          }),
        fill: (key, fill: StoreFill) =>
          act('fill', key, () => {
            const present = get(idOf(key));
            if (present?.token !== fill.token) return 'refused';
            const deleted = fill.text === undefined && isDeletion(present);
            entries.set(idOf(key), {
              deleted,
              tags: fill.tags,
              kind: fill.text === undefined ? 'negative' : 'value',
              token: nextToken(),
              text: fill.text ?? '',
              loadedMs: nowMs() - fill.loadedAgoMs,
              freshUntilMs: nowMs() + fill.freshForMs,
              goneMs: deleted ? present.goneMs : nowMs() + fill.keepForMs,
            });
            return 'filled';
          }),
        touch: (key, { token, freshForMs, keepForMs }) =>
          act('touch', key, () => {
            const present = get(idOf(key));
            if (present?.token !== token || present.kind !== 'value') return 'refused';
            const [freshUntilMs, goneMs] = [nowMs() + freshForMs, nowMs() + keepForMs];
            if (freshUntilMs > present.freshUntilMs) entries.set(idOf(key), { ...present, freshUntilMs, goneMs });
            return 'touched';
          }),
        invalidate: (keys, rememberMs) =>
          act('invalidate', keys.join(','), () => {
            for (const key of keys) {
              const present = get(idOf(key));
              if (present === undefined) continue;
              if (rememberMs > 0) entries.set(idOf(key), blank('deleted', rememberMs));
              else if (isDeletion(present)) {
                entries.set(idOf(key), { ...present, kind: 'deleted', token: nextToken(), tags: undefined });
              } else entries.delete(idOf(key));
            }
          }),
        replace: (key, rememberMs) =>
          act('replace', key, () => {
            const entry = blank('deleted', rememberMs);
            entries.set(idOf(key), entry);
            return { token: entry.token };
          }),
        forget: () =>
          act('forget', '', () => {
            disowned.set(name, nowMs() + 1);
          }),
        readTags: (tags) => act('readTags', tags.join(','), () => tagRecords.read(name, tags)),
        claimTags: (tags, forMs) => act('claimTags', tags.join(','), () => tagRecords.claim(name, tags, forMs)),
        outdateTags: (tags, as) => act('outdateTags', tags.join(','), () => tagRecords.outdate(name, tags, as)),
        leases: memoryLeases({
          leases,
          idOf,
          act: (key, effect) => act('lease', key, effect),
          nowMs,
          nextToken,
          tokenOf: (key) => get(idOf(key))?.token,
          read: (key) => toRead(get(idOf(key)), disownedMs()),
          isClaim: (key) => (get(idOf(key))?.kind ?? 'claimed') === 'claimed',
          retoken(key, token, claimMs) {
            const present = get(idOf(key));
            const claim = present === undefined || present.kind === 'claimed';
            entries.set(idOf(key), { ...(claim ? blank('claimed', claimMs) : present), token });
          },
        }),
      };
    },
  };
  return store;
}
