import type { BatchLoader, GetOptions } from '../cache.ts';
import type { Meter } from '../meter.ts';
import type { L1Tier } from '../tiers/l1-tier.ts';
import { cloneDeep } from '../values/clone.ts';
import { abortable } from './abortable.ts';
import { Batch } from './batch.ts';
import type { Flight } from './flight.ts';
import type { Loads } from './loads.ts';
import type { LookUps } from './look-ups.ts';

export interface ManyParts<Value> {
  readonly l1: L1Tier<Value>;
  readonly loads: Loads;
  readonly lookUps: LookUps<Value>;
  readonly meter: Meter;
}

/**
 * The values of the keys, in their order: from L1, and for the rest a flight each, as for a `get`. Their reads of the store begin in
 * one turn, so that they travel together; what they miss is one load.
 */
export async function getMany<Value>(
  keys: readonly string[],
  loader: BatchLoader<Value>,
  given: GetOptions<Value> | undefined,
  { l1, loads, lookUps, meter }: ManyParts<Value>,
): Promise<(Value | undefined)[]> {
  const values: (Value | undefined)[] = new Array(keys.length);
  const batch = new Batch<Value>(loads, loader);
  const flights: (Flight<Value> | undefined)[] = [];
  for (const [at, key] of keys.entries()) {
    const entry = l1.find(key);
    if (entry?.state === 'fresh') {
      meter.answer('l1', entry.negative);
      values[at] = entry.value;
    } else if (entry?.state === 'due') values[at] = lookUps.refresh(entry, batch, given).value;
    else flights[at] = lookUps.join(key, batch, given);
  }
  const all = collect(values, flights);
  // Whoever has left does not hear of a failure.
  all.catch(() => undefined);
  await (given?.signal === undefined ? all : abortable(all, given.signal));
  return given?.values === 'cloned' ? cloneDeep(values) : values;
}

/** One after the other, so that of several errors it is always that of the first key. */
async function collect<Value>(
  values: (Value | undefined)[],
  flights: readonly (Flight<Value> | undefined)[],
): Promise<void> {
  // All are counted as callers before any of them has settled.
  const waits = flights.map((flight) => flight?.wait());
  for (const [at, wait] of waits.entries()) if (wait !== undefined) values[at] = (await wait).value;
}
