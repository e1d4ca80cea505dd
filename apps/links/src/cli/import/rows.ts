import { CliError, EXIT } from '../failure.ts';
import type { Line } from '../input.ts';
import { headerOf, looksUnnamed, toCsvRow, UNNAMED } from './csv-rows.ts';
import { toJsonRow } from './json-rows.ts';
import { broken, type ImportRow, type RowRules } from './to-row.ts';

const HIDDEN_PASSWORDS =
  'This is an export of an older version, which does not say which of its links have a password: all would be made open. Export the links again, or add a column "hasPassword" (true or false); or make all of them open with --without-passwords.';

const FORMATS = ['lines', 'csv', 'ndjson'] as const;
export type ImportFormat = (typeof FORMATS)[number];

/**
 * Reads rows. In CSV every record is one line, so that a forgotten quote spoils one row and not the rest of the file; the first
 * line may name the columns, in any order and among others. Empty lines are passed over.
 * @throws {CliError} for an export that does not say which links have a password, and for a first line that may be a URL or CSV
 */
export async function* readRows(
  lines: AsyncIterable<Line>,
  asked: ImportFormat | 'auto',
  rules: RowRules,
): AsyncGenerator<ImportRow> {
  let format: ImportFormat | undefined = asked === 'auto' ? undefined : asked;
  let header = UNNAMED;
  let first = true;
  for await (const { number, text, fault } of lines) {
    if (text.trim() === '') continue;
    if (first) {
      first = false;
      const named = headerOf(text);
      format ??= named !== undefined ? 'csv' : text.trimStart().startsWith('{') ? 'ndjson' : linesUnlessUnnamed(text);
      if (format === 'csv' && named !== undefined) {
        if (named.hidesPasswords && rules.unknownPasswords === 'refused') {
          throw new CliError(HIDDEN_PASSWORDS, { exitCode: EXIT.usage });
        }
        header = named;
        continue;
      }
    }
    if (fault !== undefined) yield broken(number, fault, text);
    else if (format === 'csv') yield toCsvRow(number, text, header, rules);
    else if (format === 'ndjson') yield toJsonRow(number, text, rules);
    else yield { line: number, kind: 'link', link: { url: text.trim() } };
  }
}

/** A URL may have commas; taken for one, a row of CSV would make a link that leads nowhere. */
function linesUnlessUnnamed(text: string): 'lines' {
  if (!looksUnnamed(text)) return 'lines';
  throw new CliError(
    `The first line may be a URL with a comma in it, or CSV with url, alias, tags: "${text.trim().slice(0, 200)}". Say which it is with --format lines or --format csv, or name the columns in a first line (url,alias,tags).`,
    { exitCode: EXIT.usage },
  );
}

/** The format that `--format` and the file's name ask for. @throws {CliError} for an unknown one */
export function formatOf(option: string, name: string): ImportFormat | 'auto' {
  const asked = FORMATS.find((format) => format === option);
  if (asked !== undefined) return asked;
  if (option !== 'auto') {
    throw new CliError(`--format must be lines, csv, ndjson or auto, got "${option}"`, { exitCode: EXIT.usage });
  }
  if (/\.csv(\.gz)?$/i.test(name)) return 'csv';
  return /\.(ndjson|jsonl)(\.gz)?$/i.test(name) ? 'ndjson' : 'auto';
}
