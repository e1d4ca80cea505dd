import { broken, COLUMNS, type ImportRow, type RowRules, toRow } from './to-row.ts';

/** A line of NDJSON: a link as the API shows it, or as it takes it. Null is what a link does not have. */
export function toJsonRow(line: number, text: string, rules: RowRules): ImportRow {
  let link: unknown;
  try {
    link = JSON.parse(text);
  } catch {
    return broken(line, 'is not JSON', text);
  }
  if (typeof link !== 'object' || link === null || Array.isArray(link)) return broken(line, 'is no JSON object', text);
  const known = Object.entries(link).filter(
    ([name, value]) => value !== null && COLUMNS.some((column) => column === name),
  );
  return toRow(line, text, Object.fromEntries(known), rules);
}
