import type { SqlRunner, SqlValue } from '@spillway/kernel';
import type { WatermarkSource } from '../watermarks.ts';

interface Row {
  readonly producer: string;
  readonly epoch: string;
  readonly seq: number | string;
  readonly counted: number | string;
  readonly dead_lettered: number | string;
}

/**
 * The watermarks that the sink named `name` commits, read by the producers: one look-up by primary key per poll.
 * `sql` must reach the primary, not a replica.
 */
export function sqlWatermarks({ sql, name }: { readonly sql: SqlRunner; readonly name: string }): WatermarkSource {
  return {
    async read(of) {
      if (of.length === 0) return [];
      const values: SqlValue[] = [name];
      const pairs = of.map(({ producer, epoch }) => {
        values.push(producer, epoch);
        return `($${values.length - 1}, $${values.length})`;
      });
      const { rows } = await sql.query<Row>(
        `SELECT producer, epoch, seq, counted, dead_lettered FROM event_watermarks
         WHERE log = $1 AND (producer, epoch) IN (VALUES ${pairs.join(', ')})`,
        values,
      );
      return rows.map((row) => ({
        producer: row.producer,
        epoch: row.epoch,
        seq: Number(row.seq),
        counted: Number(row.counted),
        deadLettered: Number(row.dead_lettered),
      }));
    },
  };
}
