import { ConfigurationError } from '@spillway/kernel';
import type { Awaitable } from './awaitable.ts';
import { type LimitedOptions, limited } from './limited.ts';

// biome-ignore lint/suspicious/noExplicitAny: the method is not known yet where the options are written, so a parameter without a type can be anything
type AnyCall<Result> = (this: any, ...args: any[]) => Awaitable<Result>;

/** As of `limited`; parameters that are given a type are checked against the method's. */
export interface RateLimitOptions<
  Key extends AnyCall<string | undefined>,
  Cost extends AnyCall<number>,
  Skip extends AnyCall<boolean>,
> extends Omit<LimitedOptions<unknown[]>, 'key' | 'cost' | 'skip'> {
  readonly key: string | Key;
  readonly cost?: Cost;
  readonly skip?: Skip;
}

/** Whether a function of the options can see what the method sees. */
type Sees<Call, This, Args extends unknown[]> = Call extends (this: This, ...args: Args) => unknown ? unknown : never;

/**
 * Limits a method that returns a promise: `@rateLimit({ limiter, key: (to: string) => to }) async send(to: string) {}`. A refused
 * call rejects with a `RateLimitedError`. A standard decorator: TypeScript without `experimentalDecorators`. All objects of the
 * class are limited together, unless the key tells them apart, which sees them as `this`.
 */
export function rateLimit<
  Key extends AnyCall<string | undefined>,
  Cost extends AnyCall<number>,
  Skip extends AnyCall<boolean>,
>(options: RateLimitOptions<Key, Cost, Skip>) {
  return <This, Args extends unknown[], Result>(
    method: (this: This, ...args: Args) => Promise<Result>,
    context: ClassMethodDecoratorContext<This, (this: This, ...args: Args) => Promise<Result>> &
      Sees<Key, This, Args> &
      Sees<Cost, This, Args> &
      Sees<Skip, This, Args>,
  ): ((this: This, ...args: Args) => Promise<Result>) => {
    if ((context as { kind?: unknown } | undefined)?.kind !== 'method') {
      throw new ConfigurationError(
        '@rateLimit is a standard decorator for methods; put it on a method, and leave `experimentalDecorators` out of tsconfig.json',
      );
    }
    return limited<Args, Promise<Result>, This>(method, options as LimitedOptions<Args, This>) as typeof method;
  };
}
