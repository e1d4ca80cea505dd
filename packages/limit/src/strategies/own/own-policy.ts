/** What a policy of somebody's own strategy has in common with all others. Its strategy adds what it needs. */
export interface OwnPolicy {
  /** `own:` and the strategy's name: it never meets a strategy of this package. */
  readonly strategy: `own:${string}`;
  /** Stands in headers, metrics and keys: letters, digits, `.`, `_` and `-`, at most 64. */
  readonly name: string;
  /** What can be taken at once: an integer >= 1. */
  readonly capacity: number;
}
