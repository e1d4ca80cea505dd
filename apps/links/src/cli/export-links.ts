import { createWriteStream } from 'node:fs';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { stringify } from 'csv-stringify';
import { toTagsCell, toTextCell } from './csv-cells.ts';
import { CliError, EXIT } from './failure.ts';
import { type ListedLink, listLinks } from './links-api.ts';
import { openService, type ServiceOptions } from './service.ts';

const COLUMNS = [
  'code',
  'shortUrl',
  'url',
  'title',
  'tags',
  'createdAt',
  'expiresAt',
  'maxClicks',
  'clicks',
  'status',
  'domain',
  'onDefaultDomain',
  'usedClicks',
  'hasPassword',
] as const satisfies readonly (keyof ListedLink)[];

export interface ExportOptions extends ServiceOptions {
  readonly format: string;
  readonly output?: string;
  readonly tag?: string;
  readonly search?: string;
}

/** Writes all links as they come: memory does not grow with their number. */
export async function exportLinks(_: readonly string[], options: ExportOptions): Promise<number> {
  if (options.format !== 'csv' && options.format !== 'ndjson') {
    throw new CliError(`--format must be csv or ndjson, got "${options.format}"`, { exitCode: EXIT.usage });
  }
  const service = openService(options);
  let count = 0;
  let withPassword = 0;
  const links = async function* () {
    const { tag, search } = options;
    const filter = { ...(tag === undefined ? {} : { tag }), ...(search === undefined ? {} : { search }) };
    for await (const link of listLinks(service, filter)) {
      count += 1;
      if (link.hasPassword) withPassword += 1;
      yield link;
    }
  };
  try {
    await write(links(), options.format, options.output);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // The reader has what it wanted: `spillway export | head`.
    if (code === 'EPIPE') return EXIT.done;
    if (error instanceof CliError || options.output === undefined || code === undefined) throw error;
    throw new CliError(`"${options.output}" can not be written (${code})`, { cause: error });
  } finally {
    await service.close();
  }
  if (options.output !== undefined) console.error(`${count} links written to ${options.output}.`);
  if (withPassword > 0) {
    console.error(
      `${withPassword} of ${count} links have a password, which an export does not hold; an import refuses them unless told otherwise.`,
    );
  }
  return EXIT.done;
}

async function write(links: AsyncIterable<ListedLink>, format: 'csv' | 'ndjson', output: string | undefined) {
  const target: Writable = output === undefined ? process.stdout : createWriteStream(output);
  const end = { end: output !== undefined };
  if (format === 'ndjson') {
    const lines = async function* () {
      for await (const link of links) yield `${JSON.stringify(link)}\n`;
    };
    await pipeline(Readable.from(lines()), target, end);
    return;
  }
  const records = async function* () {
    for await (const link of links) {
      const title = link.title === null ? null : toTextCell(link.title);
      yield { ...link, code: toTextCell(link.code), title, tags: toTagsCell(link.tags) };
    }
  };
  const csv = stringify({ header: true, columns: [...COLUMNS], cast: { boolean: String } });
  await pipeline(Readable.from(records()), csv, target, end);
}
