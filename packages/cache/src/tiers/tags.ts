import type { Invalidated } from '../cache.ts';
import type { Outdated } from '../core/outdated.ts';
import { parseEntryTags, parseTags } from '../core/parse-tags.ts';
import { type Tagged, TagIndex } from '../core/tag-index.ts';
import { type EntryTag, outdatedBy } from '../core/tag-record.ts';
import type { Meter } from '../meter.ts';
import type { CacheSpace, StoreRead, TagRecord } from '../store.ts';
import { attempt } from './attempt.ts';
import type { Notice } from './bus-message.ts';
import type { L2Tier } from './l2-tier.ts';

/** Tags outdated in the store, and named on the bus, at a time. */
const BATCH = 500;

type Found = Exclude<StoreRead, { kind: 'absent' }>;

/** An entry of the store that is under tags. */
export type TaggedRead = Extract<StoreRead, { kind: 'value' | 'negative' }> & { readonly tags: readonly EntryTag[] };

/**
 * What the store knows, its tags looked up: `under` is the receiver's to release. A type of its own, so that the compiler refuses whoever
 * would use an entry without asking for its tags.
 */
export type JudgedRead = Found & { readonly tags?: undefined; readonly under?: Tagged };

export interface TagsOptions {
  /** The store's part of this cache; undefined where there is no store. */
  readonly space: CacheSpace | undefined;
  /** Its records of tags, with the care for what it can not be told at the moment: what `L2Tier` does for keys. */
  readonly records: L2Tier | undefined;
  /** How long a record lives after each load under it, at least. */
  readonly lifeMs: number;
  readonly publish: (notice: Notice) => void;
  /** By which the others know whose invalidations are pending. */
  readonly instance: string;
  readonly meter: Meter;
}

/**
 * Tags: one name for any number of entries, invalidated at once. Each has a record in the store, two random words, and each entry says
 * which words stood there *before* its load: so an invalidation takes one small record away, and whatever was loaded before it,
 * wherever that is and whenever it arrives, is under words that never come back.
 */
export class Tags {
  readonly #options: TagsOptions;
  readonly #index = new TagIndex();

  constructor(options: TagsOptions) {
    this.#options = options;
  }

  /** Someone who is about to load or to set something under these. Undefined: under none. */
  under(tags: readonly string[] | undefined): Tagged | undefined {
    const parsed = parseEntryTags(tags);
    return parsed === undefined ? undefined : this.#index.hold(parsed);
  }

  /** Tells `onRead` what an entry is worth whose tags are looked up now. */
  judge(read: TaggedRead, onRead: (read: JudgedRead | undefined) => void): void {
    const { space, records: l2, meter } = this.#options;
    const names = read.tags.map(({ tag }) => tag);
    const deleted = read.kind === 'negative' && read.deleted === true;
    const nothing: JudgedRead = { kind: deleted ? 'deleted' : 'claimed', token: read.token };
    if (space === undefined || l2 === undefined || !names.every((tag) => l2.usable(tag))) {
      onRead(nothing);
      return;
    }
    // Before the records are read: what is outdated in between was heard, or shows in them.
    const under = this.#index.hold(names);
    const dismiss = (instead: JudgedRead | undefined): void => {
      under.release();
      onRead(instead);
    };
    attempt(
      () => space.readTags(names),
      (now: readonly (TagRecord | undefined)[] | undefined) => {
        if (now === undefined) {
          meter.error('readTags', new TypeError('The store answered nothing'));
          return dismiss(undefined);
        }
        const worst = worstOf(read.tags, now);
        if (worst === 'invalidated' || (worst === 'expired' && read.kind === 'negative')) return dismiss(nothing);
        under.records = read.tags;
        if (worst === undefined || read.kind === 'negative') onRead({ ...read, tags: undefined, under });
        else onRead({ ...read, tags: undefined, freshForMs: Math.min(read.freshForMs, 0), doubted: true, under });
      },
      (error) => {
        meter.error('readTags', error);
        dismiss(undefined);
      },
    );
  }

  /**
   * Before the load: reads the records, and makes those that are not there. Undefined when what is loaded must not get into the store,
   * since it could not be taken out again.
   * @param lifeMs how long what is loaded may be kept, if that is known
   */
  async claim(under: Tagged, lifeMs = 0): Promise<readonly EntryTag[] | undefined> {
    const { space, records: l2, meter } = this.#options;
    if (space === undefined || l2 === undefined || !under.tags.every((tag) => l2.usable(tag))) return undefined;
    try {
      const records = await space.claimTags(under.tags, Math.max(this.#options.lifeMs, lifeMs));
      under.records ??= records;
      return under.tags.map((tag, at) => ({ tag, ...(records[at] as TagRecord) }));
    } catch (error) {
      meter.error('claimTags', error);
      return undefined;
    }
  }

  /** What was loaded under `now` may be kept for so long: its records have to live as long. Nobody waits for it. */
  prolong(now: Tagged, lifeMs: number): void {
    if (lifeMs > this.#options.lifeMs) void this.claim(now, lifeMs);
  }

  /** The same for an entry of the store, if it is not outdated: whether its records live as long now. */
  async prolongRecords(read: TaggedRead, lifeMs: number): Promise<boolean> {
    const judged = await new Promise<JudgedRead | undefined>((resolve) => this.judge(read, resolve));
    if (judged?.under === undefined) return false;
    const fresh = judged.kind === 'value' && judged.freshForMs > 0;
    const prolonged = fresh && (await this.claim(judged.under, lifeMs)) !== undefined;
    judged.under.release();
    return prolonged;
  }

  async outdate(kind: Outdated, tags: unknown): Promise<Invalidated> {
    const { records: l2 } = this.#options;
    const all = parseTags(tags);
    let outcome: Invalidated = l2 === undefined ? 'off' : 'deleted';
    for (let from = 0; from < all.length; from += BATCH) {
      const batch = all.slice(from, from + BATCH);
      this.#drop(batch, kind);
      const deleted = await l2?.delete(batch, kind === 'invalidated');
      if (deleted?.unguarded === true) this.#drop(batch, kind);
      if (deleted?.store === 'pending') outcome = 'pending';
      // After the store, so that whoever hears it does not find the old words there.
      this.#tell(kind, batch, deleted?.store ?? 'off');
    }
    return outcome;
  }

  /** What another instance says of tags. */
  hear(notice: Extract<Notice, { tags: readonly string[] }>): void {
    const { records: l2, meter } = this.#options;
    if (notice.kind === 'replayed') {
      // As with keys: whoever has heard of it before has read what is under it only from the truth since.
      this.#drop(
        notice.tags.filter((tag) => l2?.acquit(tag, notice.by) !== true),
        notice.as,
      );
    } else {
      if (notice.pendingBy !== undefined) l2?.suspect(notice.tags, notice.pendingBy);
      this.#drop(notice.tags, notice.kind);
    }
    meter.invalidation(0, 'bus', 'off', notice.tags.length);
  }

  /** Tags that something in this process is under. */
  get held(): number {
    return this.#index.size;
  }

  get pending(): number {
    return this.#options.records?.pendingDeletes ?? 0;
  }

  get suspects(): number {
    return this.#options.records?.suspects ?? 0;
  }

  close(): void {
    this.#options.records?.close();
  }

  #drop(tags: readonly string[], kind: Outdated): void {
    for (const tag of tags) this.#index.outdate(tag, kind);
  }

  #tell(kind: Outdated, tags: readonly string[], store: Invalidated): void {
    const { publish, instance, meter } = this.#options;
    publish({ kind, tags, ...(store === 'pending' ? { pendingBy: instance } : {}) });
    meter.invalidation(0, 'local', store, tags.length);
  }
}

export const isTagged = (read: StoreRead): read is TaggedRead => 'tags' in read && read.tags !== undefined;

/** Whether older copies of what is now loaded under `now` may not be served any more. */
export function isBarred(copy: Tagged, now: readonly EntryTag[], missed = false): boolean {
  if (copy.outdated === 'invalidated') return true;
  const { records, tags } = copy;
  // Loaded while nobody could tell what the records were: it is as good as what was heard since.
  if (records === undefined) return missed;
  return now.some((each) => {
    const then = records[tags.indexOf(each.tag)];
    return then !== undefined && outdatedBy(each, then) === 'invalidated';
  });
}

function worstOf(tags: readonly EntryTag[], now: readonly (TagRecord | undefined)[]): Outdated | undefined {
  const all = tags.map((tag, at) => outdatedBy(now[at], tag));
  return all.includes('invalidated') ? 'invalidated' : all.find((each) => each !== undefined);
}
