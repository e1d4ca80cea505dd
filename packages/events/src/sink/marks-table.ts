import type { SqlQueries, SqlValue } from '@spillway/kernel';
import type { BatchId } from '../batch.ts';

type EpochId = Omit<BatchId, 'seq'>;

interface Counts {
  readonly counted: number;
  readonly deadLettered: number;
}

/** One epoch's row, with the batches that were committed above a hole. */
export interface StoredMark extends EpochId, Counts {
  readonly seq: number;
  readonly ahead: ReadonlyMap<number, Counts>;
}

export const epochKey = ({ producer, epoch }: EpochId): string => JSON.stringify([producer, epoch]);

const place = (values: SqlValue[], ...added: SqlValue[]): string => {
  const first = values.length + 1;
  values.push(...added);
  return `(${added.map((_, index) => `$${first + index}`).join(', ')})`;
};

/** Some epochs have no row yet, since nothing of them was ever committed: `insertMarks` makes them. */
export class NewEpochsError extends Error {
  override readonly name = 'NewEpochsError';
  readonly epochs: readonly EpochId[];

  constructor(epochs: readonly EpochId[]) {
    super(`${epochs.length} epoch(s) without a watermark`);
    this.epochs = epochs;
  }
}

/**
 * Makes the rows of epochs that have none. Outside of any transaction: one that holds rows and then waits for another sink that
 * makes the same one is how two come to wait for each other.
 */
export async function insertMarks(
  queries: SqlQueries,
  log: string,
  epochs: readonly EpochId[],
  nowMs: number,
): Promise<void> {
  const values: SqlValue[] = [];
  const tuples = inOrder(epochs).map(({ producer, epoch }) => place(values, log, producer, epoch, nowMs));
  await queries.query(
    `INSERT INTO event_watermarks (log, producer, epoch, updated_ms) VALUES ${tuples.join(', ')} ON CONFLICT DO NOTHING`,
    values,
  );
}

/**
 * Reads and locks the rows of these epochs until the transaction ends. Always in one order over all sinks, so that they never wait
 * for each other in a circle.
 * @throws {NewEpochsError} when some have none: the transaction must end, and may be tried again once they do
 */
export async function lockMarks(
  transaction: SqlQueries,
  log: string,
  epochs: readonly EpochId[],
): Promise<Map<string, StoredMark>> {
  const rows = await selectForUpdate(transaction, log, inOrder(epochs));
  if (rows.length < epochs.length) throw new NewEpochsError(epochs);
  const ahead = await readAhead(
    transaction,
    log,
    rows.filter((row) => Number(row.ahead) > 0),
  );
  return new Map(
    rows.map((row) => [
      epochKey(row),
      {
        producer: row.producer,
        epoch: row.epoch,
        seq: Number(row.seq),
        counted: Number(row.counted),
        deadLettered: Number(row.dead_lettered),
        ahead: ahead.get(epochKey(row)) ?? new Map(),
      },
    ]),
  );
}

const inOrder = (epochs: readonly EpochId[]): readonly EpochId[] =>
  [...epochs].sort((a, b) => compare(a.producer, b.producer) || compare(a.epoch, b.epoch));

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

interface MarkRow {
  readonly producer: string;
  readonly epoch: string;
  readonly seq: number | string;
  readonly counted: number | string;
  readonly dead_lettered: number | string;
  readonly ahead: number | string;
}

async function selectForUpdate(
  transaction: SqlQueries,
  log: string,
  epochs: readonly EpochId[],
): Promise<readonly MarkRow[]> {
  const values: SqlValue[] = [log];
  const pairs = epochs.map(({ producer, epoch }) => place(values, producer, epoch));
  // SQLite has one writer at a time anyway. The collation makes the order the same on every server.
  const lock = transaction.dialect === 'postgres' ? 'ORDER BY producer COLLATE "C", epoch COLLATE "C" FOR UPDATE' : '';
  const { rows } = await transaction.query<MarkRow>(
    `SELECT producer, epoch, seq, counted, dead_lettered, ahead FROM event_watermarks
     WHERE log = $1 AND (producer, epoch) IN (VALUES ${pairs.join(', ')}) ${lock}`,
    values,
  );
  return rows;
}

async function readAhead(
  transaction: SqlQueries,
  log: string,
  epochs: readonly EpochId[],
): Promise<Map<string, Map<number, Counts>>> {
  const found = new Map<string, Map<number, Counts>>();
  if (epochs.length === 0) return found;
  const values: SqlValue[] = [log];
  const pairs = epochs.map(({ producer, epoch }) => place(values, producer, epoch));
  const { rows } = await transaction.query<Omit<MarkRow, 'ahead'>>(
    `SELECT producer, epoch, seq, counted, dead_lettered FROM event_batches_ahead
     WHERE log = $1 AND (producer, epoch) IN (VALUES ${pairs.join(', ')})`,
    values,
  );
  for (const row of rows) {
    const ofEpoch = found.get(epochKey(row)) ?? new Map<number, Counts>();
    ofEpoch.set(Number(row.seq), { counted: Number(row.counted), deadLettered: Number(row.dead_lettered) });
    found.set(epochKey(row), ofEpoch);
  }
  return found;
}

/** Writes the new state of rows that `lockMarks` locked. */
export async function saveMarks(
  transaction: SqlQueries,
  log: string,
  marks: readonly { readonly before: StoredMark; readonly after: StoredMark }[],
  nowMs: number,
): Promise<void> {
  if (marks.length === 0) return;
  const values: SqlValue[] = [];
  const tuples = marks.map(({ after }) =>
    place(
      values,
      log,
      after.producer,
      after.epoch,
      after.seq,
      after.counted,
      after.deadLettered,
      after.ahead.size,
      nowMs,
    ),
  );
  await transaction.query(
    `INSERT INTO event_watermarks (log, producer, epoch, seq, counted, dead_lettered, ahead, updated_ms) VALUES ${tuples.join(', ')}
     ON CONFLICT (log, producer, epoch) DO UPDATE SET seq = excluded.seq, counted = excluded.counted,
       dead_lettered = excluded.dead_lettered, ahead = excluded.ahead, updated_ms = excluded.updated_ms`,
    values,
  );
  for (const { before, after } of marks) await saveAhead(transaction, log, before, after);
}

async function saveAhead(transaction: SqlQueries, log: string, before: StoredMark, after: StoredMark): Promise<void> {
  const { producer, epoch } = after;
  if (before.ahead.size > 0 && after.seq > before.seq) {
    await transaction.query(
      'DELETE FROM event_batches_ahead WHERE log = $1 AND producer = $2 AND epoch = $3 AND seq <= $4',
      [log, producer, epoch, after.seq],
    );
  }
  const added = [...after.ahead].filter(([seq]) => !before.ahead.has(seq));
  if (added.length === 0) return;
  const values: SqlValue[] = [];
  const tuples = added.map(([seq, counts]) =>
    place(values, log, producer, epoch, seq, counts.counted, counts.deadLettered),
  );
  await transaction.query(
    `INSERT INTO event_batches_ahead (log, producer, epoch, seq, counted, dead_lettered) VALUES ${tuples.join(', ')}
     ON CONFLICT DO NOTHING`,
    values,
  );
}

/** Forgets the epochs that nothing has moved for so long that the sink would refuse their batches as expired. */
export async function pruneMarks(queries: SqlQueries, log: string, beforeMs: number): Promise<void> {
  await queries.query(
    `DELETE FROM event_batches_ahead WHERE log = $1 AND (producer, epoch) IN
       (SELECT producer, epoch FROM event_watermarks WHERE log = $1 AND updated_ms < $2)`,
    [log, beforeMs],
  );
  await queries.query('DELETE FROM event_watermarks WHERE log = $1 AND updated_ms < $2', [log, beforeMs]);
}
