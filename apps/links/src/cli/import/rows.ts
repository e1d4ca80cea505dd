import { parse } from 'csv-parse/sync';
import { CliError, EXIT } from '../failure.ts';
import type { Line } from '../input.ts';

export type ImportFormat = 'lines' | 'csv';

/** What one line asks for: a link, or nothing that could be sent. */
export type ImportRow = { readonly line: number } & (
  | { readonly kind: 'link'; readonly link: ImportLink }
  | { readonly kind: 'broken'; readonly fault: string; readonly text: string }
);

export interface ImportLink {
  readonly url: string;
  readonly alias?: string;
  readonly tags?: readonly string[];
  readonly title?: string;
  readonly expiresAt?: string;
  readonly status?: number;
  readonly maxClicks?: number;
}

/** What stands in CSV that does not name its columns. */
const UNNAMED = ['url', 'alias', 'tags'] as const;
/** `code` is what an export calls the alias. */
const COLUMNS = [...UNNAMED, 'code', 'title', 'expiresAt', 'status', 'maxClicks'] as const;
type Column = (typeof COLUMNS)[number];
type Header = readonly (Column | undefined)[];

/**
 * Reads rows. In CSV every record is one line, so that a forgotten quote spoils one row and not the rest of the file; the first
 * line may name the columns, in any order and among others; tags are separated by ";" or ",". Empty lines are passed over.
 */
export async function* readRows(lines: AsyncIterable<Line>, asked: ImportFormat | 'auto'): AsyncGenerator<ImportRow> {
  let format: ImportFormat | undefined = asked === 'auto' ? undefined : asked;
  let header: Header | undefined;
  for await (const { number, text, whole } of lines) {
    if (text.trim() === '') continue;
    if (header === undefined) {
      const named = headerOf(text);
      format ??= named === undefined ? 'lines' : 'csv';
      header = (format === 'csv' ? named : undefined) ?? UNNAMED;
      if (format === 'csv' && named !== undefined) continue;
    }
    if (!whole) yield broken(number, 'is longer than 64 KiB', text);
    else if (format === 'csv') yield toRow(number, text, header);
    else yield { line: number, kind: 'link', link: { url: text.trim() } };
  }
}

/** The columns that a line names; undefined when it is no header. */
function headerOf(text: string): Header | undefined {
  const cells = cellsOf(text)?.map((cell) => cell.trim().toLowerCase());
  if (cells?.includes('url') !== true) return undefined;
  return cells.map((cell) => COLUMNS.find((column) => column.toLowerCase() === cell));
}

function toRow(line: number, text: string, header: Header): ImportRow {
  const cells = cellsOf(text);
  if (cells === undefined) return broken(line, 'is not CSV: a quote is open, or stands inside a cell', text);
  const cell = (column: Column) => (header.includes(column) ? (cells[header.indexOf(column)]?.trim() ?? '') : '');
  const url = cell('url');
  if (url === '') return broken(line, 'has no url', text);
  for (const column of ['status', 'maxClicks'] as const) {
    if (!/^\d{0,15}$/.test(cell(column))) return broken(line, `has a ${column} that is not a whole number`, text);
  }
  const tags = cell('tags')
    .split(/[;,]/)
    .map((tag) => tag.trim())
    .filter((tag) => tag !== '');
  const alias = cell('alias') || cell('code');
  const [title, expiresAt, status, maxClicks] = [cell('title'), cell('expiresAt'), cell('status'), cell('maxClicks')];
  return {
    line,
    kind: 'link',
    link: {
      url,
      ...(alias === '' ? {} : { alias }),
      ...(tags.length === 0 ? {} : { tags }),
      ...(title === '' ? {} : { title }),
      ...(expiresAt === '' ? {} : { expiresAt }),
      ...(status === '' ? {} : { status: Number(status) }),
      ...(maxClicks === '' ? {} : { maxClicks: Number(maxClicks) }),
    },
  };
}

function cellsOf(text: string): readonly string[] | undefined {
  try {
    const records: string[][] = parse(text, { relax_column_count: true, bom: true });
    return records[0] ?? [];
  } catch {
    return undefined;
  }
}

const broken = (line: number, fault: string, text: string): ImportRow => ({ line, kind: 'broken', fault, text });

/** The format that `--format` and the file's name ask for. @throws {CliError} for an unknown one */
export function formatOf(option: string, name: string): ImportFormat | 'auto' {
  if (option === 'lines' || option === 'csv') return option;
  if (option !== 'auto') {
    throw new CliError(`--format must be lines, csv or auto, got "${option}"`, { exitCode: EXIT.usage });
  }
  return /\.csv(\.gz)?$/i.test(name) ? 'csv' : 'auto';
}
