import type { Registry } from 'prom-client';
import { checkExcept, listen } from '../channels/listen.ts';
import { createMetricSet } from './metrics.ts';

export interface CollectOptions {
  /** Where the metrics are registered. In a worker of `node:cluster`: the registry that its primary aggregates. */
  readonly registry: Registry;
  /**
   * Channels to leave alone, with their metrics: `['spillway:cache:get']`. For what a program counts by itself, or where one
   * message per request is too many: a channel that nobody listens to costs nothing.
   */
  readonly except?: readonly string[];
}

export interface Collection {
  /** Stops listening, and takes the metrics off the registry. */
  close(): void;
}

/**
 * Turns what the packages say on their diagnostics channels into metrics; `docs/2.reference/metrics.md` lists them. Call it
 * before links, caches and the like are made: a state is known from its first change on. Labels are names from the
 * configuration (a policy, a cache, a link), never a user's key.
 * @throws {ConfigurationError} when `except` names a channel that is not listened to
 * @throws {Error} when the registry has these metrics already
 */
export function collectPrometheus({ registry, except = [] }: CollectOptions): Collection {
  checkExcept(except);
  return { close: listen(createMetricSet(registry), except) };
}
