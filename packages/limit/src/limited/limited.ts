import type { TakingLimiter } from '../limiter-contract.ts';
import type { Awaitable } from './awaitable.ts';
import { RateLimitedError } from './rate-limited-error.ts';
import { type Counted, checkCount, createTaker } from './taker.ts';

/** The functions see the arguments of the call, and its `this`. */
export interface LimitedOptions<Args extends unknown[], This = unknown> {
  readonly limiter: TakingLimiter;
  /** Whom to charge: always the same, or by the arguments; undefined charges nobody. */
  readonly key: string | ((this: This, ...args: Args) => Awaitable<string | undefined>);
  /** An integer >= 1. Default 1. */
  readonly cost?: (this: This, ...args: Args) => Awaitable<number>;
  /** True calls the function without asking anybody. */
  readonly skip?: (this: This, ...args: Args) => Awaitable<boolean>;
  /**
   * Which calls count. All are charged beforehand; what does not count is given back afterwards: `failed` counts those that throw
   * or reject, `successful` the others. Default `all`.
   */
  readonly count?: Counted;
}

export type LimitedFunction<Args extends unknown[], Result, This = unknown> = (
  this: This,
  ...args: Args
) => Promise<Awaited<Result>>;

/**
 * The same function, limited: `const send = limited(sendMail, { limiter, key: (to) => to })`. A refused call rejects with a
 * `RateLimitedError` and does nothing else; with slots (`concurrency`), a call holds its slot until it has ended.
 * @throws {ConfigurationError} when the options can not be met
 */
export function limited<Args extends unknown[], Result, This = unknown>(
  fn: (this: This, ...args: Args) => Result,
  options: NoInfer<LimitedOptions<Args, This>>,
): LimitedFunction<Args, Result, This> {
  const { limiter, key, cost, skip, count = 'all' } = options;
  checkCount(count);
  const take = createTaker(limiter);
  const what = fn.name === '' ? 'a function' : `${fn.name}()`;

  const limitedFunction = async function (this: This, ...args: Args): Promise<Awaited<Result>> {
    if (skip !== undefined && (await skip.apply(this, args))) return await fn.apply(this, args);
    const subject = typeof key === 'string' ? key : await key.apply(this, args);
    if (subject === undefined) return await fn.apply(this, args);
    const taken = await take(subject, cost === undefined ? 1 : await cost.apply(this, args));
    if (taken.decision.outcome === 'denied') throw new RateLimitedError(what, taken.decision);
    let outcome: Counted = 'failed';
    try {
      const result = await fn.apply(this, args);
      outcome = 'successful';
      return result;
    } finally {
      if (taken.isHeld || (count !== 'all' && count !== outcome)) taken.giveBack();
    }
  };
  return Object.defineProperty(limitedFunction, 'name', { value: fn.name, configurable: true });
}
