import { channel } from 'node:diagnostics_channel';
import type { CacheStats } from './stats.ts';

/** Where an answer came from. `stale`: past its freshness, since neither the store nor the loader answered, or while it is revalidated. */
export type Tier = 'l1' | 'l2' | 'loader' | 'stale';

/** On `spillway:cache:get`, for every answer to a caller. Shared and frozen: copy what you keep. */
export interface CacheGetMessage {
  readonly cache: string;
  readonly from: Tier;
  readonly negative: boolean;
}

/** On `spillway:cache:load`, when a load has ended, or was refused. */
export interface CacheLoadMessage {
  readonly cache: string;
  /** `overloaded`: no room to run or to wait; `timed-out`: gave no answer within the hard timeout. */
  readonly outcome: 'loaded' | 'absent' | 'failed' | 'overloaded' | 'timed-out';
  /** From the request for the load, waiting for room included. */
  readonly durationMs: number;
}

/** On `spillway:cache:wait`, when a look-up has waited for the load of another process. */
export interface CacheWaitMessage {
  readonly cache: string;
  /**
   * `answered`: by what that load brought; `failed`, as that load did; `restarted`: the key was invalidated meanwhile; `timed-out`: past the
   * hard timeout. It loaded by itself: `taken-over`, that lease having ended or come back, `alone`, since nothing else was of use.
   */
  readonly outcome: 'answered' | 'failed' | 'restarted' | 'timed-out' | 'taken-over' | 'alone';
  readonly durationMs: number;
}

/** On `spillway:cache:fill`, for every attempt to put a loaded value into the second tier. */
export interface CacheFillMessage {
  readonly cache: string;
  /** `refused`: its token was gone, so something else may have changed the value meanwhile. */
  readonly outcome: 'filled' | 'refused' | 'failed';
}

/** On `spillway:cache:invalidate`, for invalidations and expirations. */
export interface CacheInvalidateMessage {
  readonly cache: string;
  readonly keys: number;
  /** Tags, and not what is under them: nobody counts that. */
  readonly tags: number;
  /** `local`: asked for here; `bus`: by another instance; `replay`: what the store missed while it was away. */
  readonly origin: 'local' | 'bus' | 'replay';
  /** What the second tier did: `pending` will be replayed, `off` was not asked. */
  readonly store: 'deleted' | 'pending' | 'off';
}

/** On `spillway:cache:bound`, each time a bound made the cache give something up (G7). */
export interface CacheBoundMessage {
  readonly cache: string;
  readonly bound:
    | 'l1-entries'
    | 'l1-bytes'
    | 'loads'
    | 'flights'
    | 'waits'
    | 'pending-deletes'
    | 'suspects'
    | 'pending-writes'
    | 'entry-bytes';
}

/** On `spillway:cache:gap`: messages may have been missed; everything in L1 must be proven again. */
export interface CacheGapMessage {
  readonly cache: string;
}

/** On `spillway:cache:error`: something failed that no caller hears of. */
export interface CacheErrorMessage {
  readonly cache: string;
  readonly operation:
    | 'read'
    | 'claim'
    | 'fill'
    | 'touch'
    | 'invalidate'
    | 'replace'
    | 'forget'
    | 'lease'
    | 'encode'
    | 'decode'
    | 'readTags'
    | 'claimTags'
    | 'outdateTags';
  readonly error: unknown;
}

/** To be published on `spillway:cache:report`, by whoever wants to know: every open cache calls it, at once, with what it holds. */
export type CacheReport = (cache: string, stats: CacheStats) => void;

export const getChannel = channel('spillway:cache:get');
export const loadChannel = channel('spillway:cache:load');
export const waitChannel = channel('spillway:cache:wait');
export const fillChannel = channel('spillway:cache:fill');
export const invalidateChannel = channel('spillway:cache:invalidate');
export const boundChannel = channel('spillway:cache:bound');
export const gapChannel = channel('spillway:cache:gap');
export const reportChannel = channel('spillway:cache:report');
export const errorChannel = channel('spillway:cache:error');
