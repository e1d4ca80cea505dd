export type Awaitable<Value> = Value | PromiseLike<Value>;

/**
 * `await` only where there is something to wait for: limits in this process's memory answer within the same turn. (Not called
 * `then`: `import()` would take a module with an export of that name for a promise.)
 */
export function andThen<Value, Result>(
  value: Awaitable<Value>,
  next: (value: Value) => Awaitable<Result>,
): Result | Promise<Result> {
  // Whatever can be awaited: query builders give promises of their own kinds.
  return isThenable(value) ? Promise.resolve(value).then(next) : (next(value) as Result | Promise<Result>);
}

const isThenable = <Value>(value: Awaitable<Value>): value is PromiseLike<Value> =>
  typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
