import type { Lead, Watcher } from './lead.ts';
import type { Answer } from './serve.ts';

/** What a route says of its own, for one request. */
export interface Route {
  /** Who asks, or undefined for nobody known. */
  readonly user: string | undefined;
  /** In place of scheme, host, path and query. Undefined: this request is left alone. */
  readonly key: string | undefined | typeof BY_TARGET;
  readonly tags: readonly string[] | undefined;
  readonly ttlMs: number | undefined;
  readonly staleWhileRevalidateMs: number;
  readonly staleIfErrorMs: number;
}

/** The request's own target is its key. */
export const BY_TARGET: unique symbol = Symbol('by target');

/** What an adapter has to do with a request. */
export type Plan =
  /** Let the route answer, with this member in `Cache-Status`. */
  | { readonly do: 'pass'; readonly cacheStatus: string; readonly watcher?: Watcher }
  | { readonly do: 'send'; readonly answer: Answer }
  /** Let the route answer, without the request's conditions, and tell the lead of all of it. */
  | { readonly do: 'lead'; readonly lead: Lead };
