/** Text of a PostgreSQL array of numbers (or of digits). */
export function numberArray<Row>(rows: readonly Row[], of: (row: Row) => number | string): string {
  let text = '{';
  for (let index = 0; index < rows.length; index += 1) {
    if (index > 0) text += ',';
    text += of(rows[index] as Row);
  }
  return `${text}}`;
}

/** Text of a PostgreSQL array of texts: every element quoted, so that `NULL`, braces and commas are only text. */
export function textArray<Row>(rows: readonly Row[], of: (row: Row) => string): string {
  let text = '{';
  for (let index = 0; index < rows.length; index += 1) {
    if (index > 0) text += ',';
    text += quoted(of(rows[index] as Row));
  }
  return `${text}}`;
}

function quoted(value: string): string {
  return /["\\]/.test(value) ? `"${value.replace(/["\\]/g, '\\$&')}"` : `"${value}"`;
}
