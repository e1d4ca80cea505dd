const BRAND = Symbol.for('spillway.error');

/**
 * The base of every error that Spillway throws. Errors are for broken promises (a store gone, a wrong setting, a bad reply);
 * a refusal is a value, never an exception.
 */
export abstract class SpillwayError extends Error {
  /** Stable and unique, e.g. `SPILLWAY_STORE_UNAVAILABLE`. */
  abstract readonly code: `SPILLWAY_${string}`;
  /** Whether the same call may succeed later without a change by the caller. */
  abstract readonly retryable: boolean;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    Object.defineProperty(this, BRAND, { value: true });
  }
}

/** True for errors of any copy of Spillway in the process: the brand is a registered symbol, not a class identity. */
export const isSpillwayError = (error: unknown): error is SpillwayError =>
  typeof error === 'object' && error !== null && BRAND in error;

/** One thing wrong with a setting: where, and what to write instead. */
export interface Issue {
  /** e.g. `"capacity"` or `"policies[2].refill.every"`; empty for the whole. */
  readonly path: string;
  /** Names the value and the remedy: `must be an integer >= 1, got "100"`. */
  readonly message: string;
}

/** A wrong setting, found at construction. All that is wrong stands in `issues`. */
export class ConfigurationError extends SpillwayError {
  override readonly name = 'ConfigurationError';
  readonly code = 'SPILLWAY_CONFIGURATION';
  readonly retryable = false;
  readonly issues: readonly Issue[];

  constructor(what: string, issues: readonly Issue[] = []) {
    super(
      [what, ...issues.map((issue) => `  ${issue.path === '' ? '' : `${issue.path}: `}${issue.message}`)].join('\n'),
    );
    this.issues = issues;
  }
}

/** A store, transport or database did not answer, or refused to. The work may or may not have happened: `mayHaveRun`. */
export class StoreUnavailableError extends SpillwayError {
  override readonly name = 'StoreUnavailableError';
  readonly code = 'SPILLWAY_STORE_UNAVAILABLE';
  readonly retryable = true;
  /** What was asked for, e.g. `"GET"` or `"limit.token-bucket"`. */
  readonly operation: string;
  /** False when it certainly has not happened and never will: it was not sent, or the store itself said so. */
  readonly mayHaveRun: boolean;

  constructor(
    operation: string,
    cause?: unknown,
    detail = 'did not answer',
    { mayHaveRun = true }: { readonly mayHaveRun?: boolean } = {},
  ) {
    super(`The store ${detail}: "${operation}"`, { cause });
    this.operation = operation;
    this.mayHaveRun = mayHaveRun;
  }
}

/** Something bounded is full and refuses more (G7). */
export class OverloadedError extends SpillwayError {
  override readonly name = 'OverloadedError';
  readonly code = 'SPILLWAY_OVERLOADED';
  readonly retryable = true;

  constructor(what: string, bound: number) {
    super(`${what} is full (${bound}); try again later`);
  }
}
