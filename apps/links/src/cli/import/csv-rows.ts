import { parse } from 'csv-parse/sync';
import { aliasFault } from '../../links/alias.ts';
import { fromTagsCell, fromTextCell } from '../csv-cells.ts';
import { broken, COLUMNS, type Column, type ImportRow, type RowRules, toRow } from './to-row.ts';

/** What stands where in a line of CSV. */
export interface Header {
  readonly columns: readonly (Column | undefined)[];
  /** Spreadsheets of some countries write ";". */
  readonly delimiter: ',' | ';';
  /** Whether it is an export of a version that did not say which links have a password. */
  readonly hidesPasswords: boolean;
}

/** CSV that does not name its columns. */
export const UNNAMED: Header = { columns: ['url', 'alias', 'tags'], delimiter: ',', hidesPasswords: false };

/** The columns that a line names; undefined when it is no header. */
export function headerOf(text: string): Header | undefined {
  for (const delimiter of [',', ';'] as const) {
    const cells = cellsOf(text, delimiter)?.map((cell) => cell.trim().toLowerCase());
    if (cells?.includes('url') !== true) continue;
    // Only an export has the short URL.
    const hidesPasswords = cells.includes('shorturl') && !cells.includes('haspassword') && !cells.includes('password');
    const columns = cells.map((cell) => COLUMNS.find((column) => column.toLowerCase() === cell));
    return { columns, delimiter, hidesPasswords };
  }
  return undefined;
}

/** Whether a line could be CSV that does not name its columns: a URL, and then an alias, tags, or both. */
export function looksUnnamed(text: string): boolean {
  const cells = cellsOf(text, ',')?.map((cell) => cell.trim()) ?? [];
  const [url = '', alias = ''] = cells;
  if (cells.length < 2 || cells.length > UNNAMED.columns.length || !/^https?:\/\//i.test(url)) return false;
  return alias === '' || aliasFault(fromTextCell(alias)) === undefined;
}

export function toCsvRow(line: number, text: string, { columns, delimiter }: Header, rules: RowRules): ImportRow {
  const cells = cellsOf(text, delimiter);
  if (cells === undefined) return broken(line, 'is not CSV: a quote is open, or stands inside a cell', text);
  if (columns.length > 1 && cells.length === 1 && /^[^"]*;/.test(text)) return broken(line, SEMICOLON, text);
  const given = new Map<Column, string>();
  columns.forEach((column, at) => {
    const raw = cells[at] ?? '';
    // Blanks belong to a password, and to nothing else.
    const cell = column === 'password' ? raw : raw.trim();
    if (column !== undefined && cell !== '' && !given.has(column)) given.set(column, cell);
  });
  const numbers: Partial<Record<Column, number>> = {};
  for (const column of ['status', 'maxClicks', 'usedClicks'] as const) {
    const cell = given.get(column);
    if (cell === undefined) continue;
    if (!/^\d{1,15}$/.test(cell)) {
      const shown = given.has('password') ? (given.get('url') ?? '') : text;
      return broken(line, `has a ${column} that is not a whole number`, shown);
    }
    numbers[column] = Number(cell);
  }
  for (const column of ['code', 'alias', 'title'] as const) {
    const cell = given.get(column);
    if (cell !== undefined) given.set(column, fromTextCell(cell));
  }
  const tags = fromTagsCell(given.get('tags') ?? '');
  const fields = { ...Object.fromEntries(given), ...numbers, tags: tags.length === 0 ? undefined : tags };
  return toRow(line, text, fields, rules);
}

const SEMICOLON =
  'is one column with a ";" in it; write "," between columns, or a first line that names them (url;alias;tags), or quotes around a URL that has a ";"';

function cellsOf(text: string, delimiter: Header['delimiter']): readonly string[] | undefined {
  try {
    const records: string[][] = parse(text, { relax_column_count: true, bom: true, delimiter });
    return records[0] ?? [];
  } catch {
    return undefined;
  }
}
