import type { SqlQueries, SqlRunner } from '@spillway/kernel';
import type { EventCodec } from '../codec.ts';
import { admit } from '../core/admit.ts';
import type { Watermark } from '../watermarks.ts';
import { type DeadLetter, insertDeadLetters } from './dead-letters.ts';
import type { Entry } from './entry.ts';
import { epochKey, insertMarks, lockMarks, NewEpochsError, type StoredMark, saveMarks } from './marks-table.ts';
import { type Item, type WriteEvents, writeBisecting } from './write-events.ts';

export interface CommitOptions<Event> {
  readonly log: string;
  readonly write: WriteEvents<Event>;
  readonly encode: EventCodec<Event>['encode'];
  readonly maxDeadLetters: number;
}

export interface Commit<Event> {
  /** To be acknowledged: written or seen before. */
  readonly done: readonly Entry<Event>[];
  readonly hold: readonly Entry<Event>[];
  readonly written: readonly Entry<Event>[];
  readonly skipped: number;
  readonly deadLetters: readonly DeadLetter[];
  readonly gaps: readonly { readonly mark: StoredMark; readonly lost: number }[];
  readonly watermarks: readonly Watermark[];
}

/** Counts these entries in one transaction. What it throws has changed nothing but, perhaps, made rows of epochs that are new. */
export async function commitEntries<Event>(
  sql: SqlRunner,
  options: CommitOptions<Event>,
  entries: readonly Entry<Event>[],
  how: 'plain' | 'bisect',
  nowMs: number,
): Promise<Commit<Event>> {
  const commit = () =>
    sql.transaction(async (transaction) => {
      await limitWaits(transaction);
      return commitInside(transaction, options, entries, how, nowMs);
    });
  try {
    return await commit();
  } catch (error) {
    if (!(error instanceof NewEpochsError)) throw error;
    await insertMarks(sql, options.log, error.epochs, nowMs);
    return await commit();
  }
}

// A sink that is stopped in the middle holds its producers' rows: PostgreSQL ends that, so that another consumer goes on.
async function limitWaits(transaction: SqlQueries): Promise<void> {
  if (transaction.dialect !== 'postgres') return;
  await transaction.query(
    `SELECT set_config('lock_timeout', '10s', true), set_config('idle_in_transaction_session_timeout', '10s', true)`,
  );
}

/** One transaction's work: decides what is new, writes it, and moves the watermarks with it. Nothing outside the transaction changes. */
async function commitInside<Event>(
  transaction: SqlQueries,
  options: CommitOptions<Event>,
  entries: readonly Entry<Event>[],
  how: 'plain' | 'bisect',
  nowMs: number,
): Promise<Commit<Event>> {
  const byEpoch = Map.groupBy(entries, ({ batch }) => epochKey(batch));
  const epochs = [...byEpoch.values()].flatMap(([entry]) => entry?.batch ?? []);
  const marks = await lockMarks(transaction, options.log, epochs);

  const plans = [...marks].map(([key, before]) => ({
    before,
    admission: admit({ seq: before.seq, ahead: new Set(before.ahead.keys()) }, byEpoch.get(key) ?? []),
  }));
  const written = plans.flatMap(({ admission }) => admission.write);
  const deadLetters = await writeEntries(transaction, options, written, how);
  await insertDeadLetters(transaction, options.log, deadLetters, options.maxDeadLetters, nowMs);

  const changes = plans
    .map(({ before, admission }) => ({ before, after: moveMark(before, admission, deadLetters) }))
    .filter(({ before, after }) => after !== before);
  await saveMarks(transaction, options.log, changes, nowMs);

  const skip = plans.flatMap(({ admission }) => admission.skip);
  return {
    done: [...written, ...skip],
    hold: plans.flatMap(({ admission }) => admission.hold),
    written,
    skipped: skip.length,
    deadLetters,
    gaps: plans
      .filter(({ admission }) => admission.lost > 0)
      .map(({ before, admission }) => ({ mark: before, lost: admission.lost })),
    watermarks: [...marks.keys()].flatMap((key, index) => {
      const { before } = plans[index] ?? {};
      if (before === undefined) return [];
      const { producer, epoch, seq, counted, deadLettered } =
        changes.find(({ after }) => epochKey(after) === key)?.after ?? before;
      return [{ producer, epoch, seq, counted, deadLettered }];
    }),
  };
}

async function writeEntries<Event>(
  transaction: SqlQueries,
  { write, encode }: CommitOptions<Event>,
  entries: readonly Entry<Event>[],
  how: 'plain' | 'bisect',
): Promise<DeadLetter[]> {
  const dead: DeadLetter[] = [];
  const items: Item<Event, Entry<Event>>[] = [];
  for (const entry of entries) {
    const { batch, content } = entry;
    if (content.kind === 'events') for (const event of content.events) items.push({ event, source: entry });
    else dead.push({ batch, events: batch.events, reason: content.reason, error: content.error, payload: batch.body });
  }
  if (items.length === 0) return dead;
  if (how === 'plain') {
    await write(
      transaction,
      items.map(({ event }) => event),
    );
    return dead;
  }
  for (const { event, source, error } of await writeBisecting(transaction, write, items)) {
    dead.push({ batch: source.batch, events: 1, reason: 'refused', error, payload: encode([event]) });
  }
  return dead;
}

/** The row after this admission: counts follow the watermark, so a batch above a hole is added once the hole is closed. */
function moveMark<Event>(
  before: StoredMark,
  admission: ReturnType<typeof admit<Entry<Event>>>,
  deadLetters: readonly DeadLetter[],
): StoredMark {
  if (admission.write.length === 0 && admission.mark.seq === before.seq) return before;
  let { counted, deadLettered } = before;
  const ahead = new Map<number, { counted: number; deadLettered: number }>();
  const passed = new Map(before.ahead);
  for (const { batch } of admission.write) {
    const dead = deadLetters.reduce((sum, letter) => sum + (letter.batch === batch ? letter.events : 0), 0);
    passed.set(batch.seq, { counted: batch.events - dead, deadLettered: dead });
  }
  for (const [seq, counts] of passed) {
    if (seq > admission.mark.seq) {
      ahead.set(seq, counts);
    } else {
      counted += counts.counted;
      deadLettered += counts.deadLettered;
    }
  }
  const { producer, epoch } = before;
  return { producer, epoch, seq: admission.mark.seq, counted, deadLettered, ahead };
}
