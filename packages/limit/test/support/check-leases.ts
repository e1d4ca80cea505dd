/**
 * What leases promise, checked over a history of admissions and nothing else: no interval w sees more than capacity + rate x (w +
 * maxAge), and no window more than its limit.
 *
 * "No interval" is one pass: a level that leaks at the policy's rate and rises with each admission stays within capacity + rate x maxAge
 * exactly when all intervals keep to the bound.
 */
import { type Admission, CAPACITY, PER_SECOND } from './leaser-settings.ts';

export interface LeaseHistory {
  /** On one clock, the store's, each within `errorUs` of when it happened. */
  readonly admissions: readonly Admission[];
  readonly errorUs: number;
  readonly maxAgeMs: number;
  /** How often the store lost its memory. */
  readonly losses?: number;
}

export function checkLeases({ admissions, errorUs, maxAgeMs, losses = 0 }: LeaseHistory): string[] {
  const violations: string[] = [];
  for (const [key, times] of timesByKey(admissions, 'bucket')) {
    // Two moments, each so far off.
    const bound = CAPACITY * (1 + losses) + (PER_SECOND * (maxAgeMs * 1000 + 2 * errorUs)) / 1e6;
    const level = highestLevel(times);
    if (level > bound)
      violations.push(`bucket of "${key}": ${level.toFixed(1)} admitted at once, the bound is ${bound}`);
  }
  for (const [key, times] of timesByKey(admissions, 'window')) {
    const bound = CAPACITY * (1 + losses);
    const counts = new Map<number, number>();
    for (const atUs of times) {
      const window = Math.floor((atUs - errorUs) / 1e6);
      // Not certain which one it was in.
      if (window !== Math.floor((atUs + errorUs) / 1e6)) continue;
      counts.set(window, (counts.get(window) ?? 0) + 1);
    }
    const most = Math.max(...counts.values());
    if (most > bound) violations.push(`window of "${key}": ${most} admitted, the bound is ${bound}`);
  }
  return violations;
}

function timesByKey(admissions: readonly Admission[], policy: Admission['policy']): Map<string, number[]> {
  const times = new Map<string, number[]>();
  for (const admission of admissions) {
    if (admission.policy !== policy) continue;
    const known = times.get(admission.key);
    if (known === undefined) times.set(admission.key, [admission.atUs]);
    else known.push(admission.atUs);
  }
  for (const each of times.values()) each.sort((a, b) => a - b);
  return times;
}

function highestLevel(times: readonly number[]): number {
  let level = 0;
  let highest = 0;
  let before = times[0] ?? 0;
  for (const atUs of times) {
    level = Math.max(0, level - ((atUs - before) * PER_SECOND) / 1e6) + 1;
    highest = Math.max(highest, level);
    before = atUs;
  }
  return highest;
}
