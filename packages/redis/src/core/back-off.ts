import type { Random } from '@spillway/kernel';

const FIRST_MS = 50;
const LONGEST_MS = 1_000;

/**
 * Milliseconds to wait before attempt `attempt` (from 1): exponential up to a second, of which a random half is taken off,
 * so that instances which lost the same store do not come back in step.
 */
export function backOffMs(attempt: number, random: Random): number {
  const ceiling = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempt - 1, 10));
  return Math.round(ceiling * (0.5 + random() / 2));
}
