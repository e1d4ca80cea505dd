import { type Bus, ConfigurationError, type Duration, type SqlRunner, type SqlValue, toMs } from '@spillway/kernel';
import { committedListeners } from '../committed-listeners.ts';
import type { Delivery, EventReceiver, EventTransport } from '../transport.ts';

export interface SqlTransportOptions {
  /** PostgreSQL, with `eventMigrations`. It need not be the sink's database. */
  readonly sql: SqlRunner;
  /** One per log. */
  readonly queue: string;
  /** How often an idle consumer looks. Default `"200ms"`. */
  readonly pollEvery?: Duration;
  /** Wakes idle consumers of other processes at once, so that they may look less often. */
  readonly bus?: Bus;
  /** After how long a consumer's unfinished batches go to another one. Default `"15s"`. */
  readonly claimAfter?: Duration;
}

interface Row {
  readonly id: string | number;
  readonly floor: string | number;
  readonly frame: Uint8Array;
}

/** Batches as rows of an unlogged table: no log is written for them, and a crash of the server may empty it, which the spools make good. */
export function sqlTransport(options: SqlTransportOptions): EventTransport {
  const { sql, queue, bus } = options;
  if (sql.dialect !== 'postgres') {
    throw new ConfigurationError(
      `sqlTransport needs PostgreSQL, got ${sql.dialect}; use memoryTransport() in one process`,
    );
  }
  const topic = `events:${queue}`;
  const committed = committedListeners();
  const wakers = new Set<() => void>();
  const wakeAll = (): void => {
    for (const wake of [...wakers]) wake();
  };
  return {
    async send(parcels) {
      const values: SqlValue[] = [queue];
      const tuples = parcels.map(({ floor, frame }) => {
        values.push(floor, frame);
        return `($1, $${values.length - 1}, $${values.length})`;
      });
      const { rows } = await sql.query<Pick<Row, 'id'>>(
        `INSERT INTO event_queue (queue, floor, frame) VALUES ${tuples.join(', ')} RETURNING id`,
        values,
      );
      wakeAll();
      bus?.publish(topic, '');
      return rows.map(({ id }) => String(id));
    },
    async missing(receipts) {
      const { rows } = await sql.query<Pick<Row, 'id'>>('SELECT id FROM event_queue WHERE id = ANY ($1::bigint[])', [
        idArray(receipts),
      ]);
      const held = new Set(rows.map(({ id }) => String(id)));
      return new Set(receipts.filter((receipt) => !held.has(receipt)));
    },
    receive: () => openReceiver(options, { wakers, tell: committed.tell, topic }),
    onCommitted: committed.add,
    async close() {},
  };
}

// The text form of an array: digits only, so nothing needs quoting.
const idArray = (receipts: readonly string[]): string => `{${receipts.join(',')}}`;

interface Shared {
  readonly wakers: Set<() => void>;
  readonly tell: ReturnType<typeof committedListeners>['tell'];
  readonly topic: string;
}

function openReceiver(options: SqlTransportOptions, { wakers, tell, topic }: Shared): EventReceiver {
  const { sql, queue, bus } = options;
  const pollMs = toMs(options.pollEvery ?? '200ms');
  const claimAfterMs = toMs(options.claimAfter ?? '15s');
  const mine = new Set<string>();
  let wake: (() => void) | undefined;
  let rung = false;
  const ring = (): void => {
    rung = true;
    wake?.();
  };
  wakers.add(ring);
  const unsubscribe = bus?.subscribe(topic, ring);

  const take = async (maxBatches: number): Promise<Delivery[]> => {
    const { rows } = await sql.query<Row>(
      `UPDATE event_queue SET taken_until = now() + $3 * interval '1 millisecond'
       WHERE id IN (
         SELECT id FROM event_queue WHERE queue = $1 AND taken_until < now() ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED
       ) RETURNING id, floor, frame`,
      [queue, maxBatches, claimAfterMs],
    );
    const deliveries = rows.map(({ id, floor, frame }) => ({ receipt: String(id), floor: Number(floor), frame }));
    for (const { receipt } of deliveries) mine.add(receipt);
    return deliveries.sort((a, b) => Number(a.receipt) - Number(b.receipt));
  };

  const sleep = (ms: number, signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      const finish = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', finish);
        wake = undefined;
        resolve();
      };
      const timer = setTimeout(finish, ms);
      signal.addEventListener('abort', finish, { once: true });
      wake = finish;
      if (rung || signal.aborted) finish();
    });

  return {
    async next({ maxBatches, waitMs, signal }) {
      rung = false;
      const deliveries = await take(maxBatches);
      if (deliveries.length > 0 || signal.aborted) return deliveries;
      await sleep(Math.min(waitMs, pollMs), signal);
      return [];
    },
    async done(deliveries, watermarks) {
      tell(watermarks);
      for (const { receipt } of deliveries) mine.delete(receipt);
      if (deliveries.length === 0) return;
      await sql.query('DELETE FROM event_queue WHERE id = ANY ($1::bigint[])', [
        idArray(deliveries.map(({ receipt }) => receipt)),
      ]);
    },
    async close() {
      wakers.delete(ring);
      unsubscribe?.();
      if (mine.size === 0) return;
      // Others need not wait for the claim to run out; when this does not arrive, they do.
      await sql
        .query(`UPDATE event_queue SET taken_until = '-infinity' WHERE id = ANY ($1::bigint[])`, [idArray([...mine])])
        .catch(() => undefined);
    },
  };
}
