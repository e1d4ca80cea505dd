import type { Verdict } from '../core/decision.ts';

/** How much a store reserves beside a take, as that left each policy. Nothing when it was refused: a refusal costs nothing. */
export function grantOf(
  verdicts: readonly Verdict[],
  { want, parts }: { readonly want: number; readonly parts: number },
): number {
  let granted = want;
  for (const { outcome, remaining } of verdicts) {
    if (outcome === 'denied') return 0;
    granted = Math.min(granted, Math.floor(remaining / parts));
  }
  return granted;
}
