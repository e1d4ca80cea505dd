import { ConfigurationError, StoreUnavailableError } from '@spillway/kernel';
import type { ClientRateLimitInfo, Options, Store } from 'express-rate-limit';
import type { Verdict } from '../core/decision.ts';
import type { LimitStore } from '../store.ts';
import { type FixedWindowPolicy, fixedWindow } from '../strategies/fixed-window/policy.ts';
import { subjectOf } from '../subject.ts';

export interface ExpressRateLimitStoreOptions {
  /** Where the hits are counted. Borrowed. */
  readonly store: LimitStore;
  /** Keeps several `rateLimit()`s with equal windows apart. Default `""`: they count together. */
  readonly prefix?: string;
}

/** express-rate-limit compares hits with its limit itself, which may differ from request to request. */
const BEYOND_ANY_LIMIT = 1e12;

/**
 * Counts for `express-rate-limit` in any store of limits: `rateLimit({ windowMs, limit, store: new ExpressRateLimitStore({ store }) })`.
 * A window begins with its first hit. What the store rejects with reaches Express' error handler, or, with that library's
 * `passOnStoreError`, lets the request through; a limiter of this package would go on with its share.
 */
export class ExpressRateLimitStore implements Store {
  readonly prefix: string;
  /** Whether another process would count by itself. */
  readonly localKeys: boolean;
  readonly #store: LimitStore;
  #policies: readonly [FixedWindowPolicy] | undefined;

  constructor({ store, prefix = '' }: ExpressRateLimitStoreOptions) {
    if (!store.strategies.has('fixed-window')) {
      throw new ConfigurationError('express-rate-limit counts in fixed windows, which this store does not have');
    }
    this.#store = store;
    this.prefix = prefix;
    this.localKeys = store.scope === 'process';
  }

  init({ windowMs }: Pick<Options, 'windowMs'>): void {
    const name = `express-rate-limit-${windowMs}`;
    this.#policies = [fixedWindow({ name, limit: BEYOND_ANY_LIMIT, window: `${windowMs}ms`, align: 'first-hit' })];
  }

  async get(key: string): Promise<ClientRateLimitInfo | undefined> {
    const verdict = only(await this.#store.peek(this.#subject(key), this.#initialised(), 1));
    const info = toInfo(verdict);
    return info.totalHits === 0 ? undefined : info;
  }

  async increment(key: string): Promise<ClientRateLimitInfo> {
    const { verdicts } = await this.#store.take(this.#subject(key), this.#initialised(), 1);
    return toInfo(only(verdicts));
  }

  async decrement(key: string): Promise<void> {
    await this.#store.refund(this.#subject(key), this.#initialised(), { cost: 1 });
  }

  async resetKey(key: string): Promise<void> {
    await this.#store.reset(this.#subject(key), this.#initialised());
  }

  /** With its length in front, no prefix and key meet another pair. */
  #subject(key: string): string {
    return subjectOf(`${this.prefix.length}:${this.prefix}${key}`);
  }

  #initialised(): readonly [FixedWindowPolicy] {
    if (this.#policies !== undefined) return this.#policies;
    throw new ConfigurationError(
      'The store knows no window yet; pass it to `rateLimit({ windowMs, store })`, which calls init()',
    );
  }
}

function only(verdicts: readonly Verdict[]): Verdict {
  const [verdict] = verdicts;
  if (verdict === undefined) throw new StoreUnavailableError('limit.take', undefined, 'gave no verdict');
  return verdict;
}

function toInfo(verdict: Verdict): ClientRateLimitInfo {
  if (verdict.outcome === 'allowed') {
    // Nobody has hit a key whose window has not begun.
    const totalHits = BEYOND_ANY_LIMIT - verdict.remaining;
    return { totalHits, resetTime: after(verdict.resetAfterUs) };
  }
  // Blocked, or beyond counting: more than any limit.
  const waitUs = verdict.reason === 'cost-exceeds-capacity' ? verdict.resetAfterUs : verdict.retryAfterUs;
  return { totalHits: Number.MAX_SAFE_INTEGER, resetTime: after(waitUs) };
}

const after = (us: number): Date => new Date(Date.now() + Math.ceil(us / 1000));
