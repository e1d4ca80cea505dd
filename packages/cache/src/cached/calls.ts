import { ConfigurationError } from '@spillway/kernel';
import type { Cache, Invalidated } from '../cache.ts';
import { keyOf } from '../keys/key-of.ts';

/** What is known of a cached function besides its answers. */
interface Calls {
  readonly cache: Pick<Cache<unknown>, 'invalidate'>;
  keyOf(thisArg: unknown, args: readonly unknown[]): string;
}

const known = new WeakMap<object, Calls>();

export const remember = (wrapped: object, calls: Calls): void => void known.set(wrapped, calls);

/**
 * Forgets the answer to one call of a cached function or method: `await invalidateCall(findUser, ['7'])`, after the truth has changed and
 * before you answer. A method whose `key` sees `this` needs its object as the third argument. As `cache.invalidate`.
 * @throws {ConfigurationError} for a function that is not cached
 * @throws {KeyError} when no key can be made of the arguments
 */
export async function invalidateCall<Args extends unknown[], This>(
  fn: (this: This, ...args: Args) => unknown,
  args: NoInfer<Args>,
  thisArg?: NoInfer<This>,
): Promise<Invalidated> {
  const calls = known.get(fn);
  if (calls === undefined) {
    throw new ConfigurationError(
      `${fn.name === '' ? 'A function' : `${fn.name}()`} is not cached; pass what cached() made`,
    );
  }
  return await calls.cache.invalidate({ key: calls.keyOf(thisArg, args) });
}

/** The key of a call: the function's name, and what its answer depends on. */
export const callKey = (name: string, on: unknown): string => keyOf({ route: name, filters: on });
