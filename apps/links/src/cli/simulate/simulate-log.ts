import { writeFile } from 'node:fs/promises';
import { type Duration, isSpillwayError, toMs } from '@spillway/kernel';
import { CliError, EXIT } from '../failure.ts';
import { type Input, openInput, readLines } from '../input.ts';
import { integerOption } from '../options.ts';
import { openProgress, type Progress } from '../progress.ts';
import { type LogEntry, parseLogLine } from '../replay/access-log.ts';
import { limitsChart } from './chart.ts';
import { requestFilter } from './filter.ts';
import { readPolicies } from './policies.ts';
import { type LinesRead, reportJson, reportText } from './report.ts';
import { createSimulation, TooManyClientsError } from './simulation.ts';
import { parseSubjectKind, type SubjectKind, subjectOf } from './subject.ts';
import { createTimeOrder, type TimeOrder } from './time-order.ts';

export interface SimulateOptions {
  readonly policy: readonly string[];
  readonly policies?: string;
  readonly by: string;
  readonly method?: string;
  readonly onlyStatus?: string;
  /** True when no percentage was given. */
  readonly suggest?: string | true;
  readonly reorder: string;
  readonly worst: string;
  readonly json?: boolean;
  readonly svg?: string;
}

/** Lines that are named; more are only counted. */
const NAMED_FAULTS = 5;
const PROGRESS_EVERY = 2000;
/** The year 2112: as far as strategies count. */
const LATEST_MS = 2 ** 52 / 1000;

/** Runs a log past rate limits in the log's own time, and says whom they would have stopped. */
export async function simulateLog([name = '-']: readonly string[], options: SimulateOptions): Promise<number> {
  const { by, counts, worst, withinMs, suggestPercent } = checked(options);
  const policies = await readPolicies(options.policy, options.policies);
  if (policies.length === 0 && suggestPercent === undefined) {
    throw usage(`give a limit with --policy '50/m burst 10' or --policies FILE, or let one be found with --suggest`);
  }
  if (policies.length === 0 && options.svg !== undefined) {
    throw usage(`--svg draws what policies do; give one with --policy '50/m burst 10' or --policies FILE`);
  }
  const stop = new AbortController();
  const input = await openInput(name, stop.signal);
  const interrupt = () => stop.abort();
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  const progress = openProgress('simulate');
  const simulation = createSimulation(policies, suggestPercent === undefined ? {} : { suggestPercent });
  const order = createTimeOrder(simulation.request, { withinMs });
  const lines: LinesRead = { read: 0, filtered: 0, unreadable: 0, disordered: 0, late: 0 };
  try {
    await readRequests(input, { by, counts, order, lines, progress });
    order.end();
  } catch (error) {
    if (stop.signal.aborted) {
      progress.close();
      console.error(`Interrupted after ${lines.read} lines.`);
      return EXIT.interrupted;
    }
    if (error instanceof TooManyClientsError) throw new CliError(`line ${lines.read}: ${error.message}`);
    throw error;
  } finally {
    progress.close();
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
  }
  lines.disordered = order.disordered();
  lines.late = order.late();
  const result = simulation.result({ worst });
  if (result.requests === 0) throw nothingToCount(input.name, lines);
  if (options.svg !== undefined) await writeChart(options.svg, limitsChart(result));
  console.log(options.json === true ? reportJson(result, lines, by) : reportText(result, lines, by));
  return EXIT.done;
}

async function readRequests(
  input: Input,
  to: {
    readonly by: SubjectKind;
    readonly counts: (entry: LogEntry) => boolean;
    readonly order: TimeOrder;
    readonly lines: LinesRead;
    readonly progress: Progress;
  },
): Promise<void> {
  const { by, counts, order, lines, progress } = to;
  for await (const { number, text, fault: lineFault } of readLines(input.content, 'latin1')) {
    lines.read = number;
    if (number % PROGRESS_EVERY === 0) progress.update(input.progress(), `${number} lines`);
    if (text === '') continue;
    const entry = lineFault === undefined ? parseLogLine(text) : { fault: lineFault };
    const fault = 'fault' in entry ? entry.fault : timeFault(entry.atMs);
    if ('fault' in entry || fault !== undefined) {
      lines.unreadable += 1;
      if (lines.unreadable <= NAMED_FAULTS) progress.say(`line ${number}: ${fault}; it is left out`);
      if (lines.unreadable === NAMED_FAULTS + 1) progress.say('More lines are left out; the report says how many.');
    } else if (counts(entry)) {
      order.add(subjectOf(entry, by), entry.atMs);
    } else {
      lines.filtered += 1;
    }
  }
}

const timeFault = (atMs: number): string | undefined =>
  atMs >= 0 && atMs <= LATEST_MS ? undefined : 'has a time before 1970 or after 2112';

function checked(options: SimulateOptions) {
  return {
    by: parseSubjectKind(options.by),
    counts: requestFilter(options),
    withinMs: reorderTime(options.reorder),
    worst: integerOption('worst', options.worst, 0, 1000),
    suggestPercent: options.suggest === undefined ? undefined : percentage(options.suggest),
  };
}

/** Each second of it is held in memory. */
const LONGEST_REORDER_MS = 3_600_000;

function reorderTime(text: string): number {
  try {
    const ms = toMs(text as Duration);
    if (ms >= 0 && ms <= LONGEST_REORDER_MS) return ms;
  } catch (error) {
    if (!isSpillwayError(error)) throw error;
  }
  throw usage(`--reorder must be a duration from 0s to 1h, e.g. 1m, got "${text}"`);
}

function percentage(text: string | true): number {
  if (text === true) return 0.1;
  const value = /^\d{1,2}(?:\.\d{1,9})?%?$/.test(text) ? Number.parseFloat(text) : Number.NaN;
  if (value >= 0) return value;
  throw usage(`--suggest must be a percentage of the clients from 0 to below 100, e.g. 0.1, got "${text}"`);
}

function nothingToCount(name: string, { unreadable, filtered }: LinesRead): CliError {
  if (unreadable > 0 && filtered === 0) {
    return new CliError(
      `No line of "${name}" is a request in the combined format, e.g. 192.0.2.1 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 5 "-" "curl/8"; have the server write its log like that`,
    );
  }
  if (filtered > 0) return new CliError(`No request of "${name}" is one to count; see --method and --only-status`);
  return new CliError(`"${name}" is empty`);
}

const writeChart = (file: string, svg: string): Promise<void> =>
  writeFile(file, svg).catch((cause: NodeJS.ErrnoException) => {
    throw new CliError(`"${file}" can not be written (${cause.code}); give another file with --svg`, { cause });
  });

const usage = (message: string): CliError => new CliError(message, { exitCode: EXIT.usage });
