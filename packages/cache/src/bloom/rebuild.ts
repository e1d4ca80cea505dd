import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { BloomBatch, BloomSpace } from './bloom-store.ts';

/** Longer than a source may take for a batch. After it another process may begin anew. */
const LEASE_MS = 60_000;
/** Filling the same bits again is harmless. */
const TRIES = 3;
const BETWEEN_TRIES_MS = 200;

/** `busy`: somebody else is at it. `lost`: what was built is not whole, or somebody else has begun since. */
export type Rebuilt = 'rebuilt' | 'busy' | 'lost';

/**
 * Builds a generation and has it answer. The order matters: from `begin` on whatever is added goes into the new generation too; whoever
 * added before has committed once the wait is over; only then the source is read.
 * @throws what the source throws, and `StoreUnavailableError`; then the generation that was begun is never completed
 */
export async function rebuild(
  space: BloomSpace,
  batches: () => AsyncIterable<BloomBatch>,
  commitWithinMs: number,
  signal: AbortSignal,
): Promise<Rebuilt> {
  const token = randomUUID();
  if ((await space.begin(token, commitWithinMs + LEASE_MS)) === 'busy') return 'busy';
  await pause(commitWithinMs, undefined, { signal, ref: false });
  for await (const batch of batches()) {
    signal.throwIfAborted();
    if ((await retry(() => space.fill(token, LEASE_MS, batch), signal)) === 'lost') return 'lost';
  }
  return (await space.complete(token)) === 'completed' ? 'rebuilt' : 'lost';
}

async function retry<Result>(work: () => Promise<Result>, signal: AbortSignal): Promise<Result> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      if (tries === TRIES) throw error;
      await pause(BETWEEN_TRIES_MS, undefined, { signal, ref: false });
    }
  }
}
