import { FleetingMap, StoreUnavailableError } from '@spillway/kernel';
import { committedListeners } from '../committed-listeners.ts';
import type { Delivery, EventReceiver, EventTransport } from '../transport.ts';

/** Batches in one process: producers and the sink's consumers share this object. Bounded by the producers' windows. */
export function memoryTransport(): EventTransport {
  const waiting: Delivery[] = [];
  const delivered = new FleetingMap<Delivery>();
  const committed = committedListeners();
  const hungry = new Set<() => void>();
  let last = 0;
  let open = true;

  const feed = (): void => {
    for (const wake of [...hungry]) wake();
  };

  const receive = (): EventReceiver => {
    const mine = new Set<string>();
    return {
      async next({ maxBatches, waitMs, signal }) {
        if (waiting.length === 0) await arrival(waitMs, signal);
        const deliveries = waiting.splice(0, maxBatches);
        for (const delivery of deliveries) {
          delivered.add(delivery.receipt, delivery);
          mine.add(delivery.receipt);
        }
        return deliveries;
      },
      async done(deliveries, watermarks) {
        for (const { receipt } of deliveries) {
          delivered.delete(receipt);
          mine.delete(receipt);
        }
        committed.tell(watermarks);
      },
      async close() {
        // What this consumer took and did not finish goes to the next one, in its old place.
        const back = [...mine].flatMap((receipt) => delivered.get(receipt) ?? []);
        for (const { receipt } of back) delivered.delete(receipt);
        mine.clear();
        waiting.unshift(...back);
        feed();
      },
    };
  };

  const arrival = (waitMs: number, signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      const finish = (): void => {
        clearTimeout(timer);
        hungry.delete(finish);
        signal.removeEventListener('abort', finish);
        resolve();
      };
      const timer = setTimeout(finish, waitMs);
      hungry.add(finish);
      signal.addEventListener('abort', finish, { once: true });
      if (signal.aborted) finish();
    });

  return {
    async send(parcels) {
      if (!open) throw new StoreUnavailableError('send', undefined, 'is closed');
      const deliveries = parcels.map((parcel) => {
        last += 1;
        return { ...parcel, receipt: String(last) };
      });
      waiting.push(...deliveries);
      feed();
      return deliveries.map(({ receipt }) => receipt);
    },
    async missing(receipts) {
      const held = new Set(waiting.map(({ receipt }) => receipt));
      return new Set(receipts.filter((receipt) => !held.has(receipt) && delivered.get(receipt) === undefined));
    },
    receive,
    onCommitted: committed.add,
    async close() {
      open = false;
      feed();
    },
  };
}
