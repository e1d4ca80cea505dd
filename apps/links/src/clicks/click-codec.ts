import type { Click } from './click.ts';

const FIELDS = 5;
/** Hexadecimal digits of a visitor. */
const VISITOR = 16;

/**
 * A batch of clicks as it stands in spool and stream: every text once, and five integers per click (link, time since the first,
 * country, user agent, referrer; the last three as places in the list of texts). Clicks repeat their user agents and referrers so
 * much that this takes about a fifth of a list of objects, and is quicker to write and to read. Visitors repeat so little within
 * a batch that to look for them would cost more than it saves: they stand one after the other in one text.
 */
export const clickCodec = {
  encode(clicks: readonly Click[]): Uint8Array {
    const places = new Map<string, number>();
    const placeOf = (text: string): number => {
      const known = places.get(text);
      if (known !== undefined) return known;
      places.set(text, places.size);
      return places.size - 1;
    };
    const [countryPlace, agentPlace, referrerPlace] = [
      remembering(placeOf),
      remembering(placeOf),
      remembering(placeOf),
    ];
    const base = clicks[0]?.atMs ?? 0;
    const numbers: number[] = [];
    let visitors = '';
    for (const { linkId, atMs, visitor, country, userAgent, referrer } of clicks) {
      if (visitor.length !== VISITOR) throw new TypeError(`"${visitor}" is not a visitor`);
      visitors += visitor;
      numbers.push(linkId, atMs - base, countryPlace(country), agentPlace(userAgent), referrerPlace(referrer));
    }
    return Buffer.from(JSON.stringify({ v: 1, base, texts: [...places.keys()], visitors, clicks: numbers }));
  },

  /** @throws {TypeError} when `body` is not a batch of clicks: the event log keeps it among its dead letters */
  decode(body: Uint8Array): readonly Click[] {
    const parsed: unknown = JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8'));
    if (!isBody(parsed)) throw new TypeError('Not a batch of clicks in format 1');
    const { base, texts, visitors, clicks: numbers } = parsed;
    const textAt = (place: number | undefined): string => {
      const text = place === undefined ? undefined : texts[place];
      if (typeof text !== 'string') throw new TypeError(`A batch of clicks has no text at ${place}`);
      return text;
    };
    const clicks: Click[] = [];
    for (let at = 0; at < numbers.length; at += FIELDS) {
      const [linkId, sinceMs] = [numbers[at], numbers[at + 1]];
      if (!Number.isSafeInteger(linkId) || !Number.isSafeInteger(sinceMs)) {
        throw new TypeError(`A batch of clicks has no integers at ${at}`);
      }
      clicks.push({
        linkId: linkId as number,
        atMs: base + (sinceMs as number),
        visitor: visitors.slice((at / FIELDS) * VISITOR, (at / FIELDS + 1) * VISITOR),
        country: textAt(numbers[at + 2]),
        userAgent: textAt(numbers[at + 3]),
        referrer: textAt(numbers[at + 4]),
      });
    }
    return clicks;
  },
};

/** `placeOf` for a column that often repeats its last text, the empty one most of all: no look-up then. */
function remembering(placeOf: (text: string) => number): (text: string) => number {
  let last: string | undefined;
  let place = 0;
  return (text) => {
    if (text !== last) {
      last = text;
      place = placeOf(text);
    }
    return place;
  };
}

interface Body {
  readonly base: number;
  readonly texts: readonly unknown[];
  readonly visitors: string;
  readonly clicks: readonly number[];
}

function isBody(value: unknown): value is Body {
  return (
    typeof value === 'object' &&
    value !== null &&
    'v' in value &&
    value.v === 1 &&
    'base' in value &&
    Number.isSafeInteger(value.base) &&
    'texts' in value &&
    Array.isArray(value.texts) &&
    'clicks' in value &&
    Array.isArray(value.clicks) &&
    'visitors' in value &&
    typeof value.visitors === 'string' &&
    value.visitors.length * FIELDS === value.clicks.length * VISITOR
  );
}
