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
}

const COLUMNS = ['url', 'alias', 'tags'] as const;
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
      header = (format === 'csv' ? named : undefined) ?? COLUMNS;
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
  return cells.map((cell) => COLUMNS.find((column) => column === cell));
}

function toRow(line: number, text: string, header: Header): ImportRow {
  const cells = cellsOf(text);
  if (cells === undefined) return broken(line, 'is not CSV: a quote is open, or stands inside a cell', text);
  const cell = (column: Column) => cells[header.indexOf(column)]?.trim() ?? '';
  const url = cell('url');
  if (url === '') return broken(line, 'has no url', text);
  const alias = header.includes('alias') ? cell('alias') : '';
  const tags = header.includes('tags')
    ? cell('tags')
        .split(/[;,]/)
        .map((tag) => tag.trim())
        .filter((tag) => tag !== '')
    : [];
  return {
    line,
    kind: 'link',
    link: { url, ...(alias === '' ? {} : { alias }), ...(tags.length === 0 ? {} : { tags }) },
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
