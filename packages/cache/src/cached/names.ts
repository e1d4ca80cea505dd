import { ConfigurationError } from '@spillway/kernel';
import type { Cache } from '../cache.ts';

/** Whose names were taken from the code, by cache. As many as there are functions in the code. */
const taken = new WeakMap<object, Map<string, WeakRef<object>>>();

/**
 * The name that stands in the keys of a function's answers. One that was given is taken at its word; one from the code must be
 * the function's own in this cache, or two functions would give each other's answers.
 */
export function nameFor(
  fn: object,
  inCode: string,
  given: string | undefined,
  cache: Pick<Cache<never>, 'name'>,
): string {
  if (given !== undefined) {
    if (typeof given === 'string' && given !== '') return given;
    throw new ConfigurationError(`name must be a string that is not empty, got ${JSON.stringify(given)}`);
  }
  if (inCode === '') {
    throw new ConfigurationError(
      `A function without a name can not be told apart from others in the cache "${cache.name}"; pass name: '...'`,
    );
  }
  const names = taken.get(cache) ?? new Map<string, WeakRef<object>>();
  taken.set(cache, names);
  const other = names.get(inCode)?.deref();
  if (other !== undefined && other !== fn) {
    throw new ConfigurationError(
      `Another function with the name "${inCode}" has its answers in the cache "${cache.name}"; pass a name: '...' of its own`,
    );
  }
  names.set(inCode, new WeakRef(fn));
  return inCode;
}
