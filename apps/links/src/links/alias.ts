import { shown } from '../http/saying.ts';
import { MAX_CODE_LENGTH } from './link.ts';

/** First parts of paths that are the service's own, or that people would take for it. Compared without regard to case. */
const RESERVED = new Set(
  `about account admin api app apple-touch-icon assets auth billing browserconfig check config console contact cron dashboard
  debug dev docs error errors favicon feed graphql health healthz help home index info internal key keys limit limits link
  links live livez login logout manifest metrics new null oauth openapi ping preview privacy public qr readyz redirect register
  report reset robots root rss security server-status settings setup shorten signin signout signup sitemap spillway static stats
  status support swagger system terms test undefined user users v1 v2 version well-known www`.split(/\s+/),
);

/** By their length: the first letters of reserved words. */
const BEGINNINGS: readonly (readonly number[])[] = [...RESERVED].reduce<number[][]>((places, word) => {
  for (let length = places.length; length <= word.length; length += 1) places.push([]);
  places[word.length]?.push(word.charCodeAt(0));
  return places;
}, []);

/**
 * What a word looks like at a glance: `I`, `l`, `1` and `|` are one stroke (`i` too, since `I` is its capital), `0` is an `o`,
 * and `-` and `_` are read over.
 */
const lookOf = (text: string): string =>
  text.toLowerCase().replace(/[i1|]/g, 'l').replaceAll('0', 'o').replace(/[-_]/g, '');

const RESERVED_LOOKS = new Map([...RESERVED].map((word) => [lookOf(word), word]));

const SHORTEST = 3;

/** What is wrong with an alias; undefined when nothing is. */
export function aliasFault(alias: string): string | undefined {
  if (alias.length < SHORTEST || alias.length > MAX_CODE_LENGTH) {
    return `must have ${SHORTEST} to ${MAX_CODE_LENGTH} characters, got ${alias.length} in ${shown(alias)}`;
  }
  if (!/^[0-9A-Za-z_-]+$/.test(alias)) {
    // Letters that only look like these (Cyrillic, full-width, combining marks) would make two links that read alike.
    const first = [...alias].find((character) => !/[0-9A-Za-z_-]/.test(character)) ?? '';
    const point = `U+${(first.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
    return `must have only the characters 0-9 A-Z a-z _ and -, got ${shown(alias)} with ${point}`;
  }
  if (!/[0-9A-Za-z]/.test(alias)) return `must have a letter or a digit, got ${shown(alias)}`;
  if (RESERVED.has(alias.toLowerCase())) return `is reserved, got ${shown(alias)}; choose another`;
  const resembled = RESERVED_LOOKS.get(lookOf(alias));
  if (resembled !== undefined)
    return `looks like the reserved word "${resembled}", got ${shown(alias)}; choose another`;
  return undefined;
}

/** Whether a path's only part belongs to the service, so that it is never looked up as a code. Exact: generated codes may look like one. */
export function isReserved(text: string): boolean {
  const first = text.charCodeAt(0) | 0x20;
  // Most codes begin like no reserved word of their length, and need not be hashed.
  return BEGINNINGS[text.length]?.includes(first) === true && RESERVED.has(text.toLowerCase());
}
