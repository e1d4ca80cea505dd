import { ConfigurationError, type Duration } from '@spillway/kernel';
import type { Cache } from '../cache.ts';
import { callKey, remember } from './calls.ts';
import { nameFor } from './names.ts';

interface SharedOptions {
  /** Where the answers are. Several functions may share one. */
  // biome-ignore lint/suspicious/noExplicitAny: a cache for all that its functions answer; each sees its own answers only
  readonly cache: Cache<any>;
  /**
   * Stands in the keys of the answers, in front of what they depend on. Default: the function's own name, as long as no other function of
   * that name is in the cache. Give one where a minifier renames functions: its names differ from build to build, and meet in a shared store.
   */
  readonly name?: string;
  /** How long an answer is fresh, instead of the cache's `ttl`. */
  readonly ttl?: Duration;
  /** How long it is known that there is none (`undefined`), instead of the cache's `negativeTtl`. */
  readonly negativeTtl?: Duration;
}

export interface CachedOptions<Args extends unknown[], This = unknown> extends SharedOptions {
  /** What the answer depends on, as a structure for `keyOf`; sees the arguments and `this`. Default: the arguments, all of them. */
  readonly key?: (this: This, ...args: Args) => unknown;
  /** What `cache.invalidate({ tags })` lets go of the answer by: a list, or told from the arguments and `this`, before each call. */
  readonly tags?: readonly string[] | ((this: This, ...args: Args) => readonly string[]);
}

// biome-ignore lint/suspicious/noExplicitAny: the method is not known yet where the options are written, so a parameter without a type can be anything
type AnyCall<Result = unknown> = (this: any, ...args: any[]) => Result;

export interface CachedMethodOptions<Key extends AnyCall> extends SharedOptions {
  /**
   * What the answer depends on, as a structure for `keyOf`: a function of the arguments, which sees the object as `this`;
   * `'arguments'` where all objects of the class answer alike, which is the default for static methods only.
   */
  readonly key?: 'arguments' | Key;
  /** What `cache.invalidate({ tags })` lets go of the answer by: a list, or told from the arguments and `this`, before each call. */
  readonly tags?: readonly string[] | AnyCall<readonly string[]>;
}

export type CachedFunction<Args extends unknown[], Result, This = unknown> = (
  this: This,
  ...args: Args
) => Promise<Awaited<Result>>;

/** Whether the function of the options can see what the method sees. */
type Sees<Call, This, Args extends unknown[]> = Call extends (this: This, ...args: Args) => unknown ? unknown : never;

/**
 * The same function, its answers cached: `const findUser = cached(loadUser, { cache })`. One load per key; an answer is shared and
 * frozen, `undefined` is remembered as "there is none", and what the function throws is not remembered. A call rejects as `cache.get` does,
 * and with a `KeyError` when no key can be made of its arguments. `invalidateCall(findUser, [id])` forgets one answer.
 * @throws {ConfigurationError} for a function without a name, or with one that is taken in this cache
 */
export function cached<Args extends unknown[], Result, This = unknown>(
  fn: (this: This, ...args: Args) => Result,
  options: NoInfer<CachedOptions<Args, This>>,
): CachedFunction<Args, Result, This>;
/**
 * Caches a method that returns a promise: `@cached({ cache, key: 'arguments' }) async find(id: string) {}`. A standard decorator: TypeScript
 * without `experimentalDecorators`. All objects of the class share the answers, unless `key` tells them apart, so it must be given
 * for every method that is not static.
 */
export function cached<Key extends AnyCall = () => unknown>(
  options: CachedMethodOptions<Key>,
): <This, Args extends unknown[], Result>(
  method: (this: This, ...args: Args) => Promise<Result>,
  context: ClassMethodDecoratorContext<This, (this: This, ...args: Args) => Promise<Result>> & Sees<Key, This, Args>,
) => (this: This, ...args: Args) => Promise<Result>;
export function cached(target: AnyCall | CachedMethodOptions<AnyCall>, options?: CachedOptions<unknown[]>): unknown {
  if (typeof target === 'function') {
    if (options === undefined) throw new ConfigurationError('cached(fn) needs a cache; write cached(fn, { cache })');
    return wrap(target, target.name, options, options.key);
  }
  return (
    method: AnyCall,
    context: { readonly kind?: unknown; name: string | symbol; static: boolean } | undefined,
  ) => {
    if (context?.kind !== 'method') {
      throw new ConfigurationError(
        '@cached is a standard decorator for methods; put it on a method, and leave `experimentalDecorators` out of tsconfig.json',
      );
    }
    const { key } = target;
    if (key === undefined && !context.static) {
      throw new ConfigurationError(
        `@cached on ${String(context.name)}() needs a key: two objects may answer differently. Pass key() { return [this.id, ...] } or key: 'arguments'`,
      );
    }
    const name = typeof context.name === 'string' ? context.name : (context.name.description ?? '');
    return wrap(method, name, target, key === 'arguments' ? undefined : key);
  };
}

type WrapOptions = SharedOptions & { readonly tags?: readonly string[] | AnyCall<readonly string[]> };

function wrap(fn: AnyCall, inCode: string, options: WrapOptions, key: AnyCall | undefined): unknown {
  const { cache, ttl, negativeTtl, tags } = options;
  const name = nameFor(fn, inCode, options.name, cache);
  const lives = { ...(ttl === undefined ? {} : { ttl }), ...(negativeTtl === undefined ? {} : { negativeTtl }) };
  const keyFor = (thisArg: unknown, args: readonly unknown[]): string =>
    callKey(name, key === undefined ? args : key.apply(thisArg, [...args]));

  const wrapped = async function (this: unknown, ...args: unknown[]): Promise<unknown> {
    const under = typeof tags === 'function' ? tags.apply(this, [...args]) : tags;
    const settings = under === undefined ? lives : { ...lives, tags: under };
    return await cache.get(keyFor(this, args), async () => await fn.apply(this, args), settings);
  };
  remember(wrapped, { cache, keyOf: keyFor });
  return Object.defineProperty(wrapped, 'name', { value: fn.name, configurable: true });
}
