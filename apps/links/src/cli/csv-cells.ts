/** How texts stand in the cells of an export; read back, each is what it was. */

/** What a spreadsheet takes for the beginning of a formula; those of East Asia take the full-width signs too. */
const FORMULA = '[=+\\-@\\t\\r\\uff1d\\uff0b\\uff0d\\uff20]';
const FORMULA_OR_MADE_PLAIN = new RegExp(`^'*${FORMULA}`);
const MADE_PLAIN = new RegExp(`^'+${FORMULA}`);

/**
 * What a spreadsheet would take for a formula is made plain text by an apostrophe in front. What already looks like that gets
 * one more, so that reading takes off exactly what was put on.
 */
export const toTextCell = (text: string): string => (FORMULA_OR_MADE_PLAIN.test(text) ? `'${text}` : text);

export const fromTextCell = (cell: string): string => (MADE_PLAIN.test(cell) ? cell.slice(1) : cell);

/** `a;b`, or a JSON list where that would be read as other tags. */
export function toTagsCell(tags: readonly string[]): string {
  const plain = toTextCell(tags.join(';'));
  const read = fromTagsCell(plain);
  const same = read.length === tags.length && read.every((tag, at) => tag === tags[at]);
  return same ? plain : JSON.stringify(tags);
}

/** Of a JSON list, or of tags with ";" or "," between them. */
export function fromTagsCell(cell: string): readonly string[] {
  const tags = jsonList(cell) ?? fromTextCell(cell).split(/[;,]/);
  return tags.map((tag) => tag.trim()).filter((tag) => tag !== '');
}

function jsonList(cell: string): readonly string[] | undefined {
  if (!cell.startsWith('[')) return undefined;
  try {
    const list: unknown = JSON.parse(cell);
    return Array.isArray(list) && list.every((tag) => typeof tag === 'string') ? list : undefined;
  } catch {
    return undefined;
  }
}
