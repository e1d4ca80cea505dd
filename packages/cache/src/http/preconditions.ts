import { type Fields, fieldValue } from './fields.ts';

type Header = (name: string) => string | undefined;

/** The request fields that a route must not see when its whole answer is wanted. */
export const CONDITIONAL = ['if-none-match', 'if-modified-since'] as const;

/** Whether the client has it already: `If-None-Match`, compared weakly, else `If-Modified-Since` (RFC 9110 section 13.2.2). */
export function isNotModified(status: number, fields: Fields, header: Header): boolean {
  if (status !== 200) return false;
  const tags = header('if-none-match');
  if (tags !== undefined) {
    const own = fieldValue(fields, 'etag');
    if (tags.trim() === '*') return true;
    return own !== undefined && (tags.match(ENTITY_TAG) ?? []).some((tag) => opaque(tag) === opaque(own));
  }
  const since = Date.parse(header('if-modified-since') ?? '');
  const modified = Date.parse(fieldValue(fields, 'last-modified') ?? '');
  return modified <= since;
}

const ENTITY_TAG = /(?:W\/)?"[^"]*"/g;
const opaque = (tag: string): string => tag.trim().replace(/^W\//, '');

/** `Content-Range` and the like stay with the whole: what a 304 has to repeat (RFC 9110 section 15.4.5), and no more. */
const IN_304 = new Set([
  'access-control-allow-credentials',
  'access-control-allow-origin',
  'access-control-expose-headers',
  'cache-control',
  'content-location',
  'date',
  'etag',
  'expires',
  'vary',
]);

export const fieldsOf304 = (fields: Fields): Fields => fields.filter(([name]) => IN_304.has(name));

/** Part of a stored whole, or `unsatisfiable`; undefined where the whole is the answer. */
export function rangeOf(
  status: number,
  fields: Fields,
  length: number,
  header: Header,
): { readonly from: number; readonly to: number } | 'unsatisfiable' | undefined {
  const range = header('range');
  // Several ranges may be answered with the whole, and are.
  const match = /^bytes=(\d*)-(\d*)$/.exec(range?.trim() ?? '');
  if (status !== 200 || match === null || !rangeApplies(fields, header('if-range'))) return undefined;
  const [, first = '', last = ''] = match;
  if (first === '' && last === '') return undefined;
  if (first === '') {
    const size = Math.min(Number(last), length);
    return size === 0 ? 'unsatisfiable' : { from: length - size, to: length - 1 };
  }
  const from = Number(first);
  const to = last === '' ? length - 1 : Math.min(Number(last), length - 1);
  if (last !== '' && Number(last) < from) return undefined;
  return from >= length ? 'unsatisfiable' : { from, to };
}

/** Weak tags never match here, and a date has to be the very same (RFC 9110 section 13.1.5). */
function rangeApplies(fields: Fields, ifRange: string | undefined): boolean {
  if (ifRange === undefined) return true;
  const own = ifRange.startsWith('"') ? fieldValue(fields, 'etag') : fieldValue(fields, 'last-modified');
  return own === ifRange.trim();
}
