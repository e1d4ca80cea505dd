/** Closes what was opened, last first; all of it, whatever fails. */
export interface Closers {
  add(close: () => Promise<void>): void;
  /** @throws {AggregateError} with every failure */
  close(): Promise<void>;
}

export function createClosers(): Closers {
  const open: (() => Promise<void>)[] = [];
  return {
    add(close) {
      open.push(close);
    },
    async close() {
      const errors: unknown[] = [];
      for (let next = open.pop(); next !== undefined; next = open.pop()) {
        await next().catch((error: unknown) => errors.push(error));
      }
      if (errors.length > 0) throw new AggregateError(errors, 'Not everything could be closed');
    },
  };
}
