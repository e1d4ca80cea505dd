import { ConfigurationError, type Duration, toMs } from '@spillway/kernel';
import { LONGEST_US } from './strategies/policy-fields.ts';

/** @throws {ConfigurationError} when the key is no text, or the cost not an integer >= 1 */
export function checkCall(key: string, cost: number, what: 'take' | 'refund'): void {
  if (typeof key !== 'string') throw new ConfigurationError(`A limiter's key must be a string, got ${typeof key}`);
  if (!Number.isSafeInteger(cost) || cost < 1) {
    throw new ConfigurationError(`A ${what}'s cost must be an integer >= 1, got ${String(cost)}`);
  }
}

/** @throws {ConfigurationError} when it is missing or empty */
export function checkId(id: string | undefined, how: string): string {
  if (typeof id === 'string' && id !== '') return id;
  const shown = id === undefined ? 'none' : JSON.stringify(id);
  throw new ConfigurationError(`An id must be text, and slots are held by one; pass it: ${how}, got ${shown}`);
}

/** Of a block, in microseconds. @throws {ConfigurationError} when no store could keep it */
export function checkBlock(duration: Duration): number {
  const forUs = toMs(duration) * 1000;
  if (forUs >= 1000 && forUs <= LONGEST_US) return forUs;
  throw new ConfigurationError(`A block must last from "1ms" to "10000d", got ${JSON.stringify(duration)}`);
}

/** @throws {ConfigurationError} when it is neither an integer >= 0 nor Infinity */
export function checkWait(maxWaitMs: number): void {
  if (maxWaitMs === Number.POSITIVE_INFINITY || (Number.isSafeInteger(maxWaitMs) && maxWaitMs >= 0)) return;
  throw new ConfigurationError(`maxWaitMs must be an integer >= 0, got ${String(maxWaitMs)}`);
}
