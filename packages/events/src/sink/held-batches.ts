import { FleetingMap } from '@spillway/kernel';
import type { Entry } from './entry.ts';
import { epochKey } from './marks-table.ts';

/** Beyond these, all that is held is written out of order rather than kept: memory has a bound, and nothing is lost. */
const MAX_BATCHES = 2_048;
const MAX_BYTES = 64 * 1024 * 1024;

interface Held<Event> {
  readonly entry: Entry<Event>;
  readonly sinceMs: number;
}

/** Batches that wait for a predecessor, each since when it was first held. */
export class HeldBatches<Event> {
  readonly #held = new FleetingMap<Held<Event>>();
  /** When the taken ones were first held, for those that come back. */
  readonly #taken = new Map<string, number>();
  #bytes = 0;

  get size(): number {
    return this.#held.size;
  }

  /** `sinceMs`: from now on, but for those that were held before. */
  put(entries: readonly Entry<Event>[], sinceMs: number): void {
    for (const entry of entries) {
      const { receipt } = entry.delivery;
      if (this.#held.get(receipt) !== undefined) continue;
      this.#held.add(receipt, { entry, sinceMs: this.#taken.get(receipt) ?? sinceMs });
      this.#bytes += entry.batch.frame.length;
    }
    this.#taken.clear();
  }

  /**
   * Takes out about `maxEvents`, of each epoch in turn and the lowest numbers first, since those are the next to be written.
   * Those held since before `overMs` have waited long enough.
   */
  take(maxEvents: number, overMs: number): Entry<Event>[] {
    const crowded = this.#held.size > MAX_BATCHES || this.#bytes > MAX_BYTES;
    const taken: Entry<Event>[] = [];
    let events = 0;
    for (const { entry, sinceMs } of inTurn(this.#held.values())) {
      if (taken.length > 0 && events + entry.batch.events > maxEvents) break;
      events += entry.batch.events;
      taken.push(crowded || sinceMs <= overMs ? { ...entry, patience: 'over' } : entry);
      this.#held.delete(entry.delivery.receipt);
      this.#taken.set(entry.delivery.receipt, sinceMs);
      this.#bytes -= entry.batch.frame.length;
    }
    return taken;
  }
}

function inTurn<Event>(held: readonly Held<Event>[]): Held<Event>[] {
  const ranked = [...Map.groupBy(held, ({ entry }) => epochKey(entry.batch)).values()].flatMap((ofEpoch) =>
    ofEpoch.sort((a, b) => a.entry.seq - b.entry.seq).map((one, rank) => ({ one, rank })),
  );
  return ranked.sort((a, b) => a.rank - b.rank).map(({ one }) => one);
}
