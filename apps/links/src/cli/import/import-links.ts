import { createHash, randomUUID } from 'node:crypto';
import { createBatch, type RowOutcome } from '../batch-api.ts';
import { CliError, EXIT } from '../failure.ts';
import { openInput, readLines } from '../input.ts';
import { integerOption } from '../options.ts';
import { openProgress } from '../progress.ts';
import { openService, type Service, type ServiceOptions } from '../service.ts';
import { type ImportBatch, toBatches } from './batches.ts';
import { fileState, type ImportProgress, type ImportState, noState } from './import-state.ts';
import { formatOf, readRows } from './rows.ts';

export interface ImportOptions extends ServiceOptions {
  readonly format: string;
  readonly batch: string;
  readonly concurrency: string;
  readonly state?: string;
  readonly anew?: boolean;
}

/**
 * Makes a link of every row. Batches carry an idempotency key made from the file's content and their place in it, and the
 * state file says how far all is done: however an import ends, the same command goes on without making a link twice.
 */
export async function importLinks([name = '-']: readonly string[], options: ImportOptions): Promise<number> {
  const size = integerOption('batch', options.batch, 1, 1000);
  const concurrency = integerOption('concurrency', options.concurrency, 1, 32);
  const format = formatOf(options.format, name);
  const stop = new AbortController();
  const input = await openInput(name, stop.signal);
  const service = openService(options, concurrency);
  const interrupt = () => stop.abort();
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  const progress = openProgress('import');
  const state = stateOf(name, options, progress.say);
  const run = startRun({
    service,
    size,
    state,
    earlier: await resumable(state, service, size, options, progress.say),
    say: progress.say,
  });
  const startedAt = performance.now();
  const rate = () => `${run.done()} links, ${Math.round((run.done() * 1000) / (performance.now() - startedAt + 1))}/s`;
  const namespace = options.anew === true ? randomUUID() : '';
  try {
    const inFlight = new Set<Promise<void>>();
    for await (const batch of toBatches(readRows(readLines(input.content, 'utf8'), format), size)) {
      if (run.skips(batch)) continue;
      if (inFlight.size >= concurrency) await Promise.race(inFlight);
      stop.signal.throwIfAborted();
      const sent = run.send(batch, namespace, stop.signal).finally(() => {
        inFlight.delete(sent);
        progress.update(input.progress(), rate());
      });
      // Awaited below; a failure meanwhile must not count as nobody's.
      sent.catch(() => undefined);
      inFlight.add(sent);
    }
    await Promise.all(inFlight);
    await state.clear();
  } catch (error) {
    if (!stop.signal.aborted) {
      await run.settle();
      throw goOn(error, run.totals(), name);
    }
    await run.settle();
    progress.close();
    console.error(`Interrupted after ${run.done()} links. Run the same command again to go on.`);
    return EXIT.interrupted;
  } finally {
    progress.close();
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
    await service.close();
  }
  const { created, repeated, refused } = run.totals();
  const seconds = (performance.now() - startedAt) / 1000;
  const before = repeated === 0 ? '' : `, ${repeated} were there from an earlier run`;
  console.log(`${created} links made${before}, ${refused} rows refused, in ${seconds.toFixed(1)} s.`);
  return refused === 0 ? EXIT.done : EXIT.failed;
}

function stateOf(name: string, options: ImportOptions, say: (line: string) => void): ImportState {
  if (options.state !== undefined) return fileState(options.state, 'asked-for', say);
  return name === '-' ? noState : fileState(`${name}.spillway-import`, 'default', say);
}

async function resumable(
  state: ImportState,
  service: Service,
  size: number,
  options: ImportOptions,
  say: (line: string) => void,
): Promise<ImportProgress | undefined> {
  const earlier = await state.load();
  if (earlier === undefined || options.anew === true) return undefined;
  if (earlier.server !== service.url || earlier.size !== size) {
    throw new CliError(
      `An import of this file into ${earlier.server} with --batch ${earlier.size} was interrupted. Finish it with these options, or begin anew with --anew.`,
    );
  }
  say(`Going on after ${earlier.created + earlier.repeated + earlier.refused} rows that are done.`);
  return earlier;
}

interface RunOptions {
  readonly service: Service;
  readonly size: number;
  readonly state: ImportState;
  readonly earlier: ImportProgress | undefined;
  readonly say: (line: string) => void;
}

/** The batches on their way, and how far everything before is done: they may end out of order, the state file must not. */
function startRun({ service, size, state, earlier, say }: RunOptions) {
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
  let done = reached.created + reached.repeated;

  const settleBatch = (batch: ImportBatch, outcomes: readonly RowOutcome[]): void => {
    const count = (wanted: RowOutcome['outcome']) => outcomes.filter(({ outcome }) => outcome === wanted).length;
    for (const { line, fault, text } of batch.broken) say(`line ${line}: ${fault}: ${text.slice(0, 200)}`);
    outcomes.forEach((outcome, at) => {
      const row = batch.rows[at];
      if (outcome.outcome === 'refused') say(`line ${row?.line}: ${outcome.fault} (${row?.link.url.slice(0, 200)})`);
    });
    done += count('created') + count('repeated');
    finished.set(batch.index, {
      server: service.url,
      size,
      index: batch.index,
      digest: batch.digest,
      created: count('created'),
      repeated: count('repeated'),
      refused: count('refused') + batch.broken.length,
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

function goOn(error: unknown, { created, repeated }: ImportProgress, name: string): unknown {
  if (!(error instanceof CliError) || created + repeated === 0 || name === '-') return error;
  return new CliError(`${error.message}\n${created + repeated} links are made. Run the same command again to go on.`, {
    cause: error,
    exitCode: error.exitCode,
  });
}
