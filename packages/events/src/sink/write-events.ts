import type { SqlQueries } from '@spillway/kernel';
import { isPoison } from './poison.ts';

/** Writes the events, in order, inside the transaction that also moves the watermark. Must not commit, nor keep what it was given. */
export type WriteEvents<Event> = (transaction: SqlQueries, events: readonly Event[]) => Promise<void>;

/** An event and where it came from. */
export interface Item<Event, Source> {
  readonly event: Event;
  readonly source: Source;
}

export interface Refused<Event, Source> extends Item<Event, Source> {
  readonly error: unknown;
}

/**
 * Writes all events that can be written, within the caller's transaction, and returns the others: halves what fails, each part
 * under a savepoint, until what is at fault stands alone. About 2 log2(n) writes per refused event.
 * @throws whatever is not the events' fault
 */
export async function writeBisecting<Event, Source>(
  transaction: SqlQueries,
  write: WriteEvents<Event>,
  items: readonly Item<Event, Source>[],
): Promise<Refused<Event, Source>[]> {
  const [first, ...others] = items;
  if (first === undefined) return [];
  await transaction.query('SAVEPOINT spillway_events');
  try {
    await write(
      transaction,
      items.map(({ event }) => event),
    );
    await transaction.query('RELEASE SAVEPOINT spillway_events');
    return [];
  } catch (error) {
    if (!isPoison(error)) throw error;
    await transaction.query('ROLLBACK TO SAVEPOINT spillway_events');
    await transaction.query('RELEASE SAVEPOINT spillway_events');
    if (others.length === 0) return [{ ...first, error }];
    const half = Math.ceil(items.length / 2);
    const left = await writeBisecting(transaction, write, items.slice(0, half));
    const right = await writeBisecting(transaction, write, items.slice(half));
    return [...left, ...right];
  }
}
