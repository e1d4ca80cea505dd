import {
  boundChannel,
  type CacheBoundMessage,
  type CacheErrorMessage,
  type CacheFillMessage,
  type CacheGapMessage,
  type CacheGetMessage,
  type CacheInvalidateMessage,
  type CacheLoadMessage,
  type CacheWaitMessage,
  errorChannel,
  fillChannel,
  gapChannel,
  getChannel,
  invalidateChannel,
  loadChannel,
  type Tier,
  waitChannel,
} from './channels.ts';

/** Counts what happens, and tells it on the channels. Without subscribers an answer costs two additions. */
export class Meter {
  readonly #cache: string;
  readonly #found: Readonly<Record<Tier, CacheGetMessage>>;
  readonly #negative: Readonly<Record<Tier, CacheGetMessage>>;
  readonly answers = { l1: 0, l2: 0, loader: 0, stale: 0, negative: 0, failed: 0 };
  readonly loads = { loaded: 0, absent: 0, failed: 0, overloaded: 0, 'timed-out': 0 };
  readonly waits = { answered: 0, failed: 0, restarted: 0, timedOut: 0, takenOver: 0, alone: 0 };
  readonly fills = { filled: 0, refused: 0, failed: 0 };
  storeErrors = 0;
  gaps = 0;

  constructor(cache: string) {
    this.#cache = cache;
    this.#found = messages(cache, false);
    this.#negative = messages(cache, true);
  }

  answer(from: Tier, negative: boolean): void {
    this.answers[from] += 1;
    if (negative) this.answers.negative += 1;
    if (getChannel.hasSubscribers) getChannel.publish((negative ? this.#negative : this.#found)[from]);
  }

  load(outcome: CacheLoadMessage['outcome'], durationMs: number): void {
    this.loads[outcome] += 1;
    if (!loadChannel.hasSubscribers) return;
    loadChannel.publish({ cache: this.#cache, outcome, durationMs } satisfies CacheLoadMessage);
  }

  wait(outcome: CacheWaitMessage['outcome'], durationMs: number): void {
    this.waits[WAITS[outcome]] += 1;
    if (!waitChannel.hasSubscribers) return;
    waitChannel.publish({ cache: this.#cache, outcome, durationMs } satisfies CacheWaitMessage);
  }

  fill(outcome: CacheFillMessage['outcome']): void {
    this.fills[outcome] += 1;
    if (!fillChannel.hasSubscribers) return;
    fillChannel.publish({ cache: this.#cache, outcome } satisfies CacheFillMessage);
  }

  invalidation(
    keys: number,
    origin: CacheInvalidateMessage['origin'],
    store: CacheInvalidateMessage['store'],
    tags = 0,
  ): void {
    if (!invalidateChannel.hasSubscribers) return;
    invalidateChannel.publish({ cache: this.#cache, keys, tags, origin, store } satisfies CacheInvalidateMessage);
  }

  // A property, so that it can be handed over as a function.
  readonly bound = (bound: CacheBoundMessage['bound']): void => {
    if (!boundChannel.hasSubscribers) return;
    boundChannel.publish({ cache: this.#cache, bound } satisfies CacheBoundMessage);
  };

  gap(): void {
    this.gaps += 1;
    if (!gapChannel.hasSubscribers) return;
    gapChannel.publish({ cache: this.#cache } satisfies CacheGapMessage);
  }

  error(operation: CacheErrorMessage['operation'], error: unknown): void {
    this.storeErrors += 1;
    if (!errorChannel.hasSubscribers) return;
    errorChannel.publish({ cache: this.#cache, operation, error } satisfies CacheErrorMessage);
  }
}

const WAITS = {
  answered: 'answered',
  failed: 'failed',
  restarted: 'restarted',
  'timed-out': 'timedOut',
  'taken-over': 'takenOver',
  alone: 'alone',
} as const satisfies Record<CacheWaitMessage['outcome'], keyof Meter['waits']>;

// One message object per kind of answer, made once: the hot path allocates none.
function messages(cache: string, negative: boolean): Readonly<Record<Tier, CacheGetMessage>> {
  const message = (from: Tier): CacheGetMessage => Object.freeze({ cache, from, negative });
  return { l1: message('l1'), l2: message('l2'), loader: message('loader'), stale: message('stale') };
}
