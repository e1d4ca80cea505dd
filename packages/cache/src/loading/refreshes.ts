import type { EarlyRefresh } from '../core/early-refresh.ts';
import type { ParsedOptions } from '../options.ts';
import type { StoreRead } from '../store.ts';
import type { Flight } from './flight.ts';

type ReadValue = Extract<StoreRead, { kind: 'value' }>;

/** What a value that the store has does for its flight: ends it, answers its callers while the load goes on, or may only stand in. */
export type AtOnce = 'end' | 'answer' | 'nothing';

/** An end that is so much later belongs to another value: somebody has refreshed it. As far as two readings of the store's clock are apart. */
const LATER_US = 100_000;

/** @param usableUntilUs when it may not even stand in any more, by the cache's clock */
export function toAtOnce<Value>(
  { errand, standby }: Flight<Value>,
  { freshForMs, doubted }: ReadValue,
  usableUntilUs: number,
  { early, staleWhileRevalidateMs }: { early: EarlyRefresh | undefined; staleWhileRevalidateMs: number },
): AtOnce {
  // What may have been invalidated unnoticed stands in where nothing else is to be had, and never before.
  if (freshForMs <= 0) return doubted !== true && -freshForMs < staleWhileRevalidateMs ? 'answer' : 'nothing';
  if (early === undefined) return 'end';
  // Its turn was drawn before; what it has to know is whether it comes second.
  if (errand.purpose === 'refresh' && standby !== undefined) {
    return usableUntilUs > standby.usableUntilUs + LATER_US ? 'end' : 'answer';
  }
  return early.isDue(freshForMs * 1000, early.zoneUs(undefined)) ? 'answer' : 'end';
}

type AnswerBounds = Pick<ParsedOptions<unknown>, 'l1' | 'staleIfErrorMs' | 'staleWhileRevalidateMs'>;

/** How long a flight may hand out what it has answered with at once: as long as L1 would, or would by default. */
export function answersUntilUs(
  beganUs: number,
  usableUntilUs: number,
  { l1, staleIfErrorMs, staleWhileRevalidateMs }: AnswerBounds,
): number {
  const provenMs = l1?.ttlMs ?? 5_000;
  return Math.min(beganUs + provenMs * 1000, usableUntilUs - (staleIfErrorMs - staleWhileRevalidateMs) * 1000);
}
