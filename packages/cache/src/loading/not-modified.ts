/** See `LoadContext.previous`. The same symbol in every copy of this package. */
export const NOT_MODIFIED: unique symbol = Symbol.for('@spillway/cache not modified');

export type NotModified = typeof NOT_MODIFIED;

/** The value that a loader means. */
export function currentValue<Value>(
  loaded: Value | NotModified | undefined,
  previous: Value | undefined,
): Value | undefined {
  if (loaded !== NOT_MODIFIED) return loaded as Value | undefined;
  if (previous !== undefined) return previous;
  throw new TypeError('A loader answered NOT_MODIFIED without a previous value; look at context.previous first');
}
