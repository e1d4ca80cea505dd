import type { Clock } from '@spillway/kernel';
import type { Touched } from '../cache.ts';
import type { CacheErrorMessage } from '../channels.ts';
import { createPendingDeletes, type PendingDelete, type PendingDeletes } from '../core/pending-deletes.ts';
import { createSuspects, type Suspects } from '../core/suspects.ts';
import type { Meter } from '../meter.ts';
import type { CacheSpace, CacheStore, LeaseSpace, StoreFill, StoreRead } from '../store.ts';
import { attempt } from './attempt.ts';
import { prolong } from './prolong.ts';
import { createReplays, type Replays } from './replays.ts';
import type { Life } from './shelf-life.ts';
import { isTagged, type JudgedRead, type Tags } from './tags.ts';

/** Deletes that the store did not confirm: beyond these bounds the store as a whole is bypassed (G7). */
const MAX_PENDING = { maxKeys: 10_000, maxLength: 16 * 1024 * 1024 };

/** What other instances could not delete; a reporter that was silent for ten minutes will not come back. */
const SUSPECTS = { maxKeys: 10_000, forUs: 600_000_000 };

/**
 * After an outage the store is not read for so long: other instances may still have to replay deletes that it missed, and commands
 * that were stuck on the way to it still run.
 */
const SETTLE_MS = 1_000;

const REPLAY_BATCH = 500;

export interface L2TierOptions {
  readonly name: string;
  /** What it deletes: entries, or the records of tags, which are not read by it. */
  readonly of?: 'keys' | 'tags';
  /** Tells what entries under tags are worth. */
  readonly tags?: Pick<Tags, 'judge' | 'prolongRecords'>;
  readonly store: CacheStore;
  /** How long an invalidated key is remembered as such: as long as a copy of its old value may be used anywhere. */
  readonly rememberMs: number;
  /** How long a fill token lives. */
  readonly claimMs: number;
  readonly clock: Clock;
  readonly random: () => number;
  readonly meter: Meter;
  /** After deletes that the store had missed have reached it; `remember` as they were asked for. */
  readonly onReplayed: (keys: readonly string[], remember: boolean) => void;
  /** After everything in the store was disowned, since this instance lost track of what it could not delete. */
  readonly onForgotten: () => void;
}

/** The store as the cache sees it: nothing here rejects, and what may be outdated in it is not read. */
export class L2Tier {
  readonly #space: CacheSpace;
  readonly #options: L2TierOptions;
  readonly #pending: PendingDeletes = createPendingDeletes(MAX_PENDING);
  readonly #suspects: Suspects;
  readonly #replays: Replays;
  readonly #stopListening: () => void;
  #wasUp: boolean;
  #settledUs = 0;
  // Set when deletes found no room in `pending`, here or at another instance: nothing that is in the store can be trusted.
  #lost: 'nothing' | 'elsewhere' | 'here' = 'nothing';
  #closed = false;

  constructor(options: L2TierOptions) {
    const { store } = options;
    this.#options = options;
    this.#space = store.open(options.name);
    this.#suspects = createSuspects(SUSPECTS, () => options.meter.bound('suspects'));
    // While it is down there is nothing to try: it says when it is up.
    this.#replays = createReplays(
      () => this.#replayAll(),
      () => store.state !== 'down',
      options.random,
    );
    this.#wasUp = store.state !== 'down';
    this.#stopListening = store.onState((state, previous) => {
      if (state === 'down' || previous !== 'down') return;
      if (this.#wasUp) this.#settledUs = options.clock.nowUs() + SETTLE_MS * 1000;
      this.#wasUp = true;
      this.#replays.now();
    });
  }

  /** Whether the store may be read for this key. */
  usable(key: string): boolean {
    if (this.#options.store.state === 'down' || this.#lost !== 'nothing' || this.#closed) return false;
    if (this.#settledUs !== 0) {
      if (this.#options.clock.nowUs() < this.#settledUs) return false;
      this.#settledUs = 0;
    }
    if (this.#pending.has(key)) return false;
    return this.#suspects.size === 0 || !this.#suspects.has(key, this.#options.clock.nowUs());
  }

  /**
   * Tells `onRead`, once, what the store knows, with a token when that is not a fresh value; undefined when it did not answer, or
   * something else than it should. `onRead` must not throw.
   */
  read(key: string, onRead: (read: JudgedRead | undefined) => void): void {
    const { claimMs, tags } = this.#options;
    const fail = (operation: 'read' | 'claim') => (error: unknown) => {
      this.#failed(operation, error);
      onRead(undefined);
    };
    const claim = () => attempt(() => this.#space.claim(key, claimMs), onFound, fail('claim'));
    const onFound = (read: StoreRead | undefined): void => {
      if (read?.kind === 'absent') claim();
      else if (read === undefined) fail('read')(new TypeError('The store answered nothing'));
      else if (!isTagged(read)) onRead(read as JudgedRead);
      else if (tags !== undefined) tags.judge(read, onRead);
      else onRead({ kind: 'claimed', token: read.token });
    };
    attempt(() => this.#space.read(key, claimMs), onFound, fail('read'));
  }

  /** @param beganUs when the load of it began, by the cache's clock */
  async fill(
    key: string,
    what: Pick<StoreFill, 'token' | 'text' | 'tags'>,
    life: Life,
    beganUs: number,
  ): Promise<'filled' | 'refused' | 'failed'> {
    if (life.usableMs < 1) return 'failed';
    const loadedAgoMs = Math.ceil((this.#options.clock.nowUs() - beganUs) / 1000);
    const fill = { ...what, freshForMs: life.freshMs, keepForMs: life.usableMs, loadedAgoMs };
    let outcome: 'filled' | 'refused' | 'failed';
    try {
      outcome = await this.#space.fill(key, fill);
    } catch (error) {
      outcome = this.#failed('fill', error);
    }
    this.#options.meter.fill(outcome);
    return outcome;
  }

  /** Prolongs what the store holds, if that may be read. */
  async prolong(key: string, life: Life): Promise<Touched> {
    if (!this.usable(key)) return 'unreachable';
    return await prolong(this.#space, key, life, this.#options.tags, (error) => this.#failed('touch', error));
  }

  /**
   * Deletes in the store, and keeps this instance from reading the keys there until it has confirmed. `unguarded`: some keys could
   * not be remembered, and may have been read in between.
   * @param remember whether the store, too, keeps older copies from standing in
   */
  async delete(
    keys: readonly string[],
    remember: boolean,
  ): Promise<{ store: 'deleted' | 'pending'; unguarded: boolean }> {
    const marks = keys.map((key) => this.#pending.add(key, remember));
    const heard = this.#suspects.newest;
    const unguarded = marks.includes(undefined);
    try {
      await this.#invalidate(keys, remember);
    } catch (error) {
      this.#failed('invalidate', error);
      this.#missed(unguarded);
      return { store: 'pending', unguarded };
    }
    this.#confirm(keys, marks, heard);
    return { store: 'deleted', unguarded };
  }

  /** What is still pending of an earlier delete of a key is done by this one: it has to remember what that one had to. */
  async #invalidate(keys: readonly string[], remember: boolean): Promise<void> {
    const { rememberMs } = this.#options;
    const remembered: string[] = [];
    const rest: string[] = [];
    for (const key of keys) (remember || this.#pending.remembers(key) ? remembered : rest).push(key);
    await Promise.all([
      remembered.length > 0 && this.#outdate(remembered, rememberMs),
      rest.length > 0 && this.#outdate(rest, 0),
    ]);
  }

  #outdate(names: readonly string[], rememberMs: number): Promise<void> {
    if (this.#options.of !== 'tags') return this.#space.invalidate(names, rememberMs);
    return this.#space.outdateTags(names, rememberMs > 0 ? 'invalidated' : 'expired');
  }

  /** The token for a `set`, or undefined when the store did not answer; its old value is then deleted later. */
  async replace(key: string): Promise<string | undefined> {
    const mark = this.#pending.add(key, true);
    const heard = this.#suspects.newest;
    try {
      const { token } = await this.#space.replace(key, Math.max(this.#options.rememberMs, this.#options.claimMs));
      this.#confirm([key], [mark], heard);
      return token;
    } catch (error) {
      this.#failed('replace', error);
      this.#missed(mark === undefined);
      return undefined;
    }
  }

  /** The instance `reporter` could not delete these in the store yet. */
  suspect(keys: readonly string[], reporter: string): void {
    const nowUs = this.#options.clock.nowUs();
    for (const key of keys) this.#suspects.add(key, reporter, nowUs);
  }

  /** Now it could. Returns whether the key was not read from the store since its report. */
  acquit(key: string, reporter: string): boolean {
    return this.#suspects.acquit(key, reporter, this.#options.clock.nowUs());
  }

  /** Another instance lost track of what it could not delete. */
  forget(): void {
    if (this.#lost === 'nothing') this.#lost = 'elsewhere';
    this.#replays.now();
  }

  /** Undefined where the store has none. What is asked of them may reject. */
  get leases(): LeaseSpace | undefined {
    return this.#space.leases;
  }

  get pendingDeletes(): number {
    return this.#pending.size;
  }

  /** Keys that are not read here since another instance could not delete them. */
  get suspects(): number {
    return this.#suspects.size;
  }

  get bypassed(): 'none' | 'pending-keys' | 'all' {
    if (
      this.#lost !== 'nothing' ||
      this.#options.store.state === 'down' ||
      this.#options.clock.nowUs() < this.#settledUs
    ) {
      return 'all';
    }
    return this.#pending.size > 0 ? 'pending-keys' : 'none';
  }

  close(): void {
    this.#closed = true;
    this.#stopListening();
    this.#replays.close();
  }

  /** @param heard the newest suspicion when the delete began: whoever had reported one by then had changed the value before */
  #confirm(keys: readonly string[], marks: readonly (number | undefined)[], heard: number): void {
    for (const [index, key] of keys.entries()) {
      const mark = marks[index];
      if (mark !== undefined) this.#pending.confirm(key, mark);
      if (this.#suspects.size > 0) this.#suspects.clear(key, heard);
    }
  }

  #failed(operation: CacheErrorMessage['operation'], error: unknown): 'failed' {
    this.#options.meter.error(operation, error);
    return 'failed';
  }

  #missed(unguarded: boolean): void {
    if (unguarded) {
      this.#lost = 'here';
      this.#options.meter.bound('pending-deletes');
    }
    this.#replays.later();
  }

  // A function, since the compiler does not see that it changes across an await.
  #isLostHere(): boolean {
    return this.#lost === 'here';
  }

  async #replayAll(): Promise<boolean> {
    let operation: 'forget' | 'invalidate' = 'forget';
    try {
      if (this.#lost !== 'nothing') await this.#forgetAll();
      operation = 'invalidate';
      // What is added meanwhile has its own delete under way.
      const newest = this.#pending.newest;
      for (;;) {
        const batch = this.#pending.batch(REPLAY_BATCH, newest);
        if (batch.length === 0 || this.#closed) return true;
        for (const remember of [true, false]) {
          await this.#replayBatch(
            batch.filter((each) => each.remember === remember),
            remember,
          );
        }
      }
    } catch (error) {
      this.#failed(operation, error);
      return false;
    }
  }

  async #replayBatch(batch: readonly PendingDelete[], remember: boolean): Promise<void> {
    if (batch.length === 0) return;
    const heard = this.#suspects.newest;
    await this.#outdate(
      batch.map(({ key }) => key),
      remember ? this.#options.rememberMs : 0,
    );
    const confirmed = batch.filter(({ key, mark }) => this.#pending.confirm(key, mark)).map(({ key }) => key);
    for (const key of confirmed) this.#suspects.clear(key, heard);
    // Not those that were changed again meanwhile: what the store holds of them is another delete's affair.
    if (confirmed.length > 0) this.#options.onReplayed(confirmed, remember);
  }

  async #forgetAll(): Promise<void> {
    const lost = this.#lost;
    this.#lost = 'nothing';
    try {
      await this.#space.forget();
    } catch (error) {
      // 'here' outlives 'elsewhere', whichever came first.
      if (!this.#isLostHere()) this.#lost = lost;
      throw error;
    }
    // Only the instance that lost track tells the others, or they would tell each other for ever.
    if (lost === 'here') this.#options.onForgotten();
  }
}
