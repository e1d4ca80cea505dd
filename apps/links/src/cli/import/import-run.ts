import { createHash } from 'node:crypto';
import { createBatch, type RowOutcome } from '../batch-api.ts';
import { CliError } from '../failure.ts';
import type { Service } from '../service.ts';
import type { ImportBatch } from './batches.ts';
import type { ImportProgress, ImportState } from './import-state.ts';

export interface RunOptions {
  readonly service: Service;
  readonly size: number;
  readonly state: ImportState;
  readonly earlier: ImportProgress | undefined;
  readonly say: (line: string) => void;
}

/** The batches on their way, and how far everything before is done: they may end out of order, the state file must not. */
export function startRun({ service, size, state, earlier, say }: RunOptions) {
  let reached: ImportProgress = earlier ?? {
    server: service.url,
    size,
    index: -1,
    digest: '',
    created: 0,
    repeated: 0,
    refused: 0,
  };
  const finished = new Map<number, ImportProgress>();
  let saving: Promise<void> = Promise.resolve();
  const before = reached.created + reached.repeated;
  let done = before;

  const settleBatch = (batch: ImportBatch, outcomes: readonly RowOutcome[]): void => {
    const count = (wanted: RowOutcome['outcome']) => outcomes.filter(({ outcome }) => outcome === wanted).length;
    for (const { line, fault, text } of batch.broken) say(`line ${line}: ${fault}: ${text.slice(0, 200)}`);
    outcomes.forEach((outcome, at) => {
      const row = batch.rows[at];
      const fault = faultOf(outcome);
      if (fault !== undefined) say(`line ${row?.line}: ${fault} (${row?.link.url.slice(0, 200)})`);
    });
    done += count('created') + count('repeated');
    finished.set(batch.index, {
      server: service.url,
      size,
      index: batch.index,
      digest: batch.digest,
      created: count('created'),
      repeated: count('repeated'),
      refused: count('refused') + count('deleted') + batch.broken.length,
    });
    for (let next = finished.get(reached.index + 1); next !== undefined; next = finished.get(reached.index + 1)) {
      finished.delete(next.index);
      reached = {
        ...next,
        created: reached.created + next.created,
        repeated: reached.repeated + next.repeated,
        refused: reached.refused + next.refused,
      };
    }
  };

  return {
    done: () => done,
    /** By this run alone. */
    doneNow: () => done - before,
    totals: () => reached,
    /** Whether an earlier run has done this batch. @throws {CliError} when the file has changed since */
    skips(batch: ImportBatch): boolean {
      if (earlier === undefined || batch.index > earlier.index) return false;
      if (batch.index === earlier.index && batch.digest !== earlier.digest) {
        throw new CliError('The file has changed since its import was interrupted. Begin anew with --anew.');
      }
      return true;
    },
    async send(batch: ImportBatch, namespace: string, signal: AbortSignal): Promise<void> {
      const links = batch.rows.map(({ link }) => link);
      const idempotencyKey = `import-${createHash('sha256')
        .update(namespace + batch.digest)
        .digest('hex')
        .slice(0, 40)}`;
      const outcomes = links.length === 0 ? [] : await createBatch(service, links, { idempotencyKey, signal });
      settleBatch(batch, outcomes);
      const snapshot = reached;
      saving = saving.then(() => state.save(snapshot));
      await saving;
    },
    settle: () => saving.catch(() => undefined),
  };
}

function faultOf(outcome: RowOutcome): string | undefined {
  if (outcome.outcome === 'deleted') {
    return 'was made by an earlier import and has been deleted since; --anew makes it again, and all other rows of the file too';
  }
  return outcome.outcome === 'refused' ? outcome.fault : undefined;
}
