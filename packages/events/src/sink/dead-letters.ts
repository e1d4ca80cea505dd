import type { SqlQueries, SqlValue } from '@spillway/kernel';
import type { Batch } from '../batch.ts';
import type { DeadLetterMessage } from '../channels.ts';

export interface DeadLetter {
  readonly batch: Batch;
  readonly events: number;
  readonly reason: DeadLetterMessage['reason'];
  readonly error: unknown;
  readonly payload: Uint8Array;
}

const PER_STATEMENT = 100;

/** Keeps the letters, oldest first, up to `most` rows per log; beyond that they are only counted. */
export async function insertDeadLetters(
  transaction: SqlQueries,
  log: string,
  letters: readonly DeadLetter[],
  most: number,
  nowMs: number,
): Promise<void> {
  if (letters.length === 0) return;
  const { rows } = await transaction.query<{ n: number | string }>(
    'SELECT count(*) AS n FROM (SELECT 1 FROM event_dead_letters WHERE log = $1 LIMIT $2) AS kept',
    [log, most],
  );
  const room = Math.max(0, most - Number(rows[0]?.n ?? 0));
  for (let at = 0; at < Math.min(room, letters.length); at += PER_STATEMENT) {
    const values: SqlValue[] = [];
    const tuples = letters
      .slice(at, Math.min(at + PER_STATEMENT, room))
      .map(({ batch, events, reason, error, payload }) => {
        const first = values.length + 1;
        values.push(log, batch.producer, batch.epoch, batch.seq, events, reason, describe(error), payload, nowMs);
        return `(${Array.from({ length: 9 }, (_, index) => `$${first + index}`).join(', ')})`;
      });
    await transaction.query(
      `INSERT INTO event_dead_letters (log, producer, epoch, seq, events, reason, error, payload, at_ms) VALUES ${tuples.join(', ')}`,
      values,
    );
  }
}

// PostgreSQL's text holds no zero character.
const describe = (error: unknown): string =>
  (error instanceof Error ? `${error.name}: ${error.message}` : String(error)).replaceAll('\0', '').slice(0, 2_000);
