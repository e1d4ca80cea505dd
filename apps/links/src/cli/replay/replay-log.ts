import { setTimeout as pause } from 'node:timers/promises';
import type { MadeLink } from '../batch-api.ts';
import { CliError, EXIT } from '../failure.ts';
import { type Input, openInput, readLines } from '../input.ts';
import { integerOption } from '../options.ts';
import { openProgress } from '../progress.ts';
import { openService, type ServiceOptions } from '../service.ts';
import { type LogEntry, parseLogLine } from './access-log.ts';
import { type LinkFinder, openLinkFinder } from './link-finder.ts';
import { openVisitor } from './visitor.ts';

export interface ReplayOptions extends ServiceOptions {
  readonly base: string;
  readonly create?: boolean;
  readonly times: string;
  readonly concurrency: string;
  readonly rate?: string;
}

/** Lines read ahead, so that their missing links are made together. */
const CHUNK = 1000;

/** Sends every line of a log as a real GET of the link that leads to its path, and says what came back. */
export async function replayLog([name = '-']: readonly string[], options: ReplayOptions): Promise<number> {
  const { base, times, concurrency, rate } = checked(options);
  const stop = new AbortController();
  const input = await openInput(name, stop.signal);
  const service = openService(options);
  const visitor = openVisitor(service.url, { connections: concurrency, times, signal: stop.signal });
  const interrupt = () => stop.abort();
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  const progress = openProgress('replay');
  const tally = createTally(progress.say);
  try {
    const finder = await openLinkFinder(service, { base, missing: options.create === true ? 'create' : 'leave-out' });
    const startedAt = performance.now();
    const visits = pacedVisits(input, { base, finder, tally, rate, signal: stop.signal });
    let asserted: Promise<void> | undefined;
    const work = async () => {
      for (;;) {
        const next = await visits.next();
        if (next.done === true) return;
        const { link, entry } = next.value;
        if (times === 'log') {
          asserted ??= visitor.assertTimesBelieved(link, entry);
          await asserted;
        }
        tally.answered(await visitor.visit(link, entry));
        progress.update(input.progress(), `${tally.sent()} requests, ${perSecond(tally.sent(), startedAt)}/s`);
      }
    };
    await Promise.all(Array.from({ length: concurrency }, work));
    progress.close();
    return summarize({ tally, finder, again: visitor.again, startedAt });
  } catch (error) {
    if (!stop.signal.aborted) {
      stop.abort();
      throw error;
    }
    progress.close();
    console.error(`Interrupted after ${tally.sent()} requests.`);
    return EXIT.interrupted;
  } finally {
    progress.close();
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
    await Promise.all([visitor.close(), service.close()]);
  }
}

function checked(options: ReplayOptions) {
  const base = URL.parse(options.base);
  if (base === null || !/^https?:$/.test(base.protocol)) {
    throw new CliError(`--base must be a URL like http://example.com, got "${options.base}"`, { exitCode: EXIT.usage });
  }
  if (options.times !== 'log' && options.times !== 'now') {
    throw new CliError(`--times must be log or now, got "${options.times}"`, { exitCode: EXIT.usage });
  }
  return {
    base: options.base.replace(/\/+$/, ''),
    times: options.times as 'log' | 'now',
    concurrency: integerOption('concurrency', options.concurrency, 1, 1000),
    rate: options.rate === undefined ? undefined : integerOption('rate', options.rate, 1, 1_000_000),
  };
}

function createTally(say: (line: string) => void) {
  const statuses = new Map<string, number>();
  let malformed = 0;
  let linkless = 0;
  let sent = 0;
  return {
    statuses,
    answered(status: number | undefined) {
      sent += 1;
      const name = status === undefined ? 'no answer' : String(status);
      statuses.set(name, (statuses.get(name) ?? 0) + 1);
    },
    malformed(line: number, fault: string) {
      malformed += 1;
      say(`line ${line}: ${fault}`);
    },
    linkless(line: number, url: string, why: string | undefined) {
      linkless += 1;
      if (why !== undefined) say(`line ${line}: no link to ${url.slice(0, 200)}: ${why}`);
    },
    sent: () => sent,
    counts: () => ({ malformed, linkless }),
  };
}

type Tally = ReturnType<typeof createTally>;

interface VisitSource {
  readonly base: string;
  readonly finder: LinkFinder;
  readonly tally: Tally;
  readonly rate: number | undefined;
  readonly signal: AbortSignal;
}

/** The visits to make, in the order of the log, not before their time when there is a rate. */
async function* pacedVisits(input: Input, source: VisitSource): AsyncGenerator<{ link: MadeLink; entry: LogEntry }> {
  const startedAt = performance.now();
  let count = 0;
  for await (const chunk of chunked(readLines(input.content, 'latin1'))) {
    const entries = chunk.flatMap(({ number, text, fault }) => {
      const entry = fault === undefined ? parseLogLine(text) : { fault };
      if (!('fault' in entry)) return [{ number, entry, url: source.base + entry.path }];
      if (text !== '') source.tally.malformed(number, entry.fault);
      return [];
    });
    const links = await source.finder.find(
      entries.map(({ url }) => url),
      source.signal,
    );
    for (const { number, entry, url } of entries) {
      const link = links.get(url);
      if (link === undefined) {
        source.tally.linkless(number, url, source.finder.refused.get(url));
        continue;
      }
      if (source.rate !== undefined) {
        const waitMs = startedAt + (count * 1000) / source.rate - performance.now();
        if (waitMs > 1) await pause(waitMs, undefined, { signal: source.signal });
      }
      count += 1;
      yield { link, entry };
    }
  }
}

async function* chunked<Item>(items: AsyncIterable<Item>): AsyncGenerator<Item[]> {
  let chunk: Item[] = [];
  for await (const item of items) {
    chunk.push(item);
    if (chunk.length < CHUNK) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}

const perSecond = (count: number, startedAt: number): number =>
  Math.round((count * 1000) / (performance.now() - startedAt + 1));

function summarize(result: {
  readonly tally: Tally;
  readonly finder: LinkFinder;
  readonly again: { readonly busy: number; readonly lost: number };
  readonly startedAt: number;
}): number {
  const { tally, finder, again, startedAt } = result;
  const { malformed, linkless } = tally.counts();
  const seconds = (performance.now() - startedAt) / 1000;
  console.log(`${tally.sent()} requests in ${seconds.toFixed(1)} s, ${perSecond(tally.sent(), startedAt)}/s.`);
  for (const [status, count] of [...tally.statuses].sort()) console.log(`  ${status.padEnd(12)}${count}`);
  if (finder.created > 0) console.log(`${finder.created} links were made.`);
  if (malformed > 0) console.log(`${malformed} lines could not be read; they are named above.`);
  if (linkless > 0) console.log(`${linkless} lines have no link; --create makes them.`);
  if (again.busy > 0) console.log(`${again.busy} times the service was busy and was asked again.`);
  if (again.lost > 0) console.log(`${again.lost} answers were lost and asked for again; those clicks may count twice.`);
  const redirected = [...tally.statuses]
    .filter(([status]) => /^30[1278]$/.test(status))
    .reduce((sum, [, n]) => sum + n, 0);
  return redirected === tally.sent() && malformed === 0 && linkless === 0 ? EXIT.done : EXIT.failed;
}
