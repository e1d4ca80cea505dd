import type { EntryTag, StoreRead } from '../store.ts';
import { parseTagsText, tagsText } from './entry-tags.ts';

/**
 * What stands under a key, as text. Version 1, also in the key, so that another format never meets it:
 *
 *     1T<id>                                a claim: nobody has filled it yet
 *     1D<id>                                deleted: what was here was invalidated
 *     1N<id><loaded at><fresh until>        negative: there is no such thing
 *     1N<id><loaded at><fresh until>D       the same, in place of a `1D`; it is one again when it is not fresh any more
 *     1V<id><loaded at><fresh until><text>  a value
 *     1n<id><loaded at><fresh until>-<tags> negative, under tags; `D` for `-` in place of a `1D`
 *     1v<id><loaded at><fresh until>-<tags><text>
 *
 * The id is new with every write, 16 characters, and is the token of the next fill: a fill replaces exactly what its writer saw.
 * Times are milliseconds of the store's clock, 9 digits to the base 36 (until the year 5188).
 */
const VERSION = '1';
const ID_END = 18;
const LOADED_END = 27;
const HEADER_END = 36;
const MAX_TIME = 36 ** 9 - 1;

export const claimText = (id: string): string => `${VERSION}T${id}`;
export const deletedText = (id: string): string => `${VERSION}D${id}`;

export function entryText(
  id: string,
  text: string | undefined,
  loadedAtMs: number,
  freshUntilMs: number,
  tags?: readonly EntryTag[],
): string {
  const kind = text === undefined ? 'N' : 'V';
  const rest = `${id}${timeText(loadedAtMs)}${timeText(freshUntilMs)}`;
  if (tags === undefined || tags.length === 0) return `${VERSION}${kind}${rest}${text ?? ''}`;
  return `${VERSION}${kind.toLowerCase()}${rest}-${tagsText(tags)}${text ?? ''}`;
}

/** A moment, as in an entry. Of two, the later one is the greater text. */
export const timeText = (ms: number): string =>
  Math.max(0, Math.min(Math.round(ms), MAX_TIME))
    .toString(36)
    .padStart(9, '0');

/** Moments by the store's clock, before which a load does not count for what it says. */
export interface Reservations {
  /** What was loaded before is taken for nothing: it may have been invalidated. */
  readonly disownedMs: number;
  /** What was loaded before is not fresh any more. */
  readonly doubtedMs: number;
}

export function parseEntry(raw: string | null, nowMs: number, { disownedMs, doubtedMs }: Reservations): StoreRead {
  // What is not of this format is overwritten by the next claim.
  if (raw === null || raw.length < ID_END || !raw.startsWith(VERSION)) return { kind: 'absent' };
  const token = raw.slice(2, ID_END);
  switch (raw[1]) {
    case 'T':
      return { kind: 'claimed', token };
    case 'D':
      return { kind: 'deleted', token };
    case 'N':
    case 'V':
    case 'n':
    case 'v': {
      const loadedAtMs = Number.parseInt(raw.slice(ID_END, LOADED_END), 36);
      const statedMs = Number.parseInt(raw.slice(LOADED_END, HEADER_END), 36) - nowMs;
      // Not `<`: what is no number is disowned too.
      if (!(loadedAtMs >= disownedMs) || Number.isNaN(statedMs)) return { kind: 'claimed', token };
      const doubted = loadedAtMs < doubtedMs;
      const freshForMs = doubted ? Math.min(statedMs, 0) : statedMs;
      const isNegative = raw[1] === 'N' || raw[1] === 'n';
      const deleted = isNegative && raw[HEADER_END] === 'D' ? ({ deleted: true } as const) : undefined;
      if (deleted !== undefined && freshForMs <= 0) return { kind: 'deleted', token };
      if (raw[1] === 'N') return { kind: 'negative', token, freshForMs, ...deleted };
      const doubt = doubted ? { doubted } : undefined;
      if (raw[1] === 'V') return { kind: 'value', token, freshForMs, text: raw.slice(HEADER_END), ...doubt };
      const under = parseTagsText(raw, HEADER_END + 1);
      if (under === undefined) return { kind: 'claimed', token };
      const { tags, end } = under;
      return isNegative
        ? { kind: 'negative', token, freshForMs, tags, ...deleted }
        : { kind: 'value', token, freshForMs, text: raw.slice(end), tags, ...doubt };
    }
    default:
      return { kind: 'absent' };
  }
}
