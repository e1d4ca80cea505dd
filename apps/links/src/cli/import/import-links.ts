import { randomUUID } from 'node:crypto';
import { CliError, EXIT } from '../failure.ts';
import { openInput, readLines } from '../input.ts';
import { integerOption } from '../options.ts';
import { openProgress } from '../progress.ts';
import { openService, type Service, type ServiceOptions } from '../service.ts';
import { toBatches } from './batches.ts';
import { startRun } from './import-run.ts';
import { fileState, type ImportProgress, type ImportState, noState } from './import-state.ts';
import { formatOf, readRows } from './rows.ts';
import type { ImportRow } from './to-row.ts';

export interface ImportOptions extends ServiceOptions {
  readonly format: string;
  readonly batch: string;
  readonly concurrency: string;
  readonly state?: string;
  readonly anew?: boolean;
  readonly withoutPasswords?: boolean;
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
  const earlier = await resumable(state, service, size, options, progress.say);
  const run = startRun({ service, size, state, earlier, say: progress.say });
  const startedAt = performance.now();
  const rate = () =>
    `${run.done()} links, ${Math.round((run.doneNow() * 1000) / (performance.now() - startedAt + 1))}/s`;
  const namespace = options.anew === true ? randomUUID() : '';
  const unknownPasswords = options.withoutPasswords === true ? 'left-out' : 'refused';
  const rows = readRows(readLines(input.content, 'utf8'), format, { unknownPasswords });
  try {
    const inFlight = new Set<Promise<void>>();
    for await (const batch of toBatches(tellingOfUsedClicks(rows, progress.say), size)) {
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
  const { refused } = run.totals();
  const seconds = (performance.now() - startedAt) / 1000;
  console.log(`${summary(run.totals(), earlier)}, in ${seconds.toFixed(1)} s.`);
  return refused === 0 ? EXIT.done : EXIT.failed;
}

/** What this run made and what was there before it; refused rows are those of the whole file. */
function summary({ created, repeated, refused }: ImportProgress, earlier: ImportProgress | undefined): string {
  const there = repeated + (earlier?.created ?? 0);
  const before = there === 0 ? '' : `, ${there} were there from an earlier run`;
  const refusedBefore = (earlier?.refused ?? 0) === 0 ? '' : ` (${earlier?.refused} of them by an earlier run)`;
  return `${created - (earlier?.created ?? 0)} links made${before}, ${refused} rows refused${refusedBefore}`;
}

async function* tellingOfUsedClicks(
  rows: AsyncIterable<ImportRow>,
  say: (line: string) => void,
): AsyncGenerator<ImportRow> {
  let told = false;
  for await (const row of rows) {
    if (row.kind === 'link' && row.usedClicks !== undefined && !told) {
      told = true;
      say(
        `line ${row.line}: had used ${row.usedClicks} of its ${row.link.maxClicks} clicks. Links come with all of their maxClicks again; this is said once.`,
      );
    }
    yield row;
  }
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

function goOn(error: unknown, { created, repeated }: ImportProgress, name: string): unknown {
  if (!(error instanceof CliError) || created + repeated === 0 || name === '-') return error;
  return new CliError(`${error.message}\n${created + repeated} links are made. Run the same command again to go on.`, {
    cause: error,
    exitCode: error.exitCode,
  });
}
