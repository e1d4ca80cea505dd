import { isCode, type Link } from './link.ts';
import { type ListQuery, SORTS, type Sort } from './link-store.ts';

/** A place in a list, as text that clients need not understand. It belongs to one sort order. */
export function formatCursor(sort: Sort, last: Link): string {
  const value = sort.endsWith('code') ? last.code : last.createdAtMs;
  return Buffer.from(JSON.stringify([sort, value, last.id])).toString('base64url');
}

/** Undefined for anything that `formatCursor` did not make for this order. */
export function parseCursor(text: string, sort: Sort): ListQuery['after'] | undefined {
  const bytes = Buffer.from(text, 'base64url');
  // Node passes over what is no base64url.
  if (bytes.toString('base64url') !== text) return undefined;
  let fields: unknown;
  try {
    fields = JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
  if (!Array.isArray(fields) || fields.length !== 3) return undefined;
  const [madeFor, value, id] = fields as unknown[];
  if (!SORTS.includes(madeFor as Sort) || madeFor !== sort) return undefined;
  const right = sort.endsWith('code') ? typeof value === 'string' && isCode(value) : Number.isSafeInteger(value);
  if (!right || !Number.isSafeInteger(id)) return undefined;
  return { value: value as string | number, id: id as number };
}
