import type { Click } from './click.ts';

const FIELDS = 6;

/**
 * A batch of clicks as it stands in spool and stream: every text once, and six integers per click (link, time since the
 * first, visitor, country, user agent, referrer; the last four as places in the list of texts). Clicks repeat their user
 * agents and referrers so much that this takes about a fifth of a list of objects, and is quicker to write and to read.
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
    const base = clicks[0]?.atMs ?? 0;
    const numbers: number[] = [];
    for (const { linkId, atMs, visitor, country, userAgent, referrer } of clicks) {
      numbers.push(linkId, atMs - base, placeOf(visitor), placeOf(country), placeOf(userAgent), placeOf(referrer));
    }
    return Buffer.from(JSON.stringify({ v: 1, base, texts: [...places.keys()], clicks: numbers }));
  },

  /** @throws {TypeError} when `body` is not a batch of clicks: the event log keeps it among its dead letters */
  decode(body: Uint8Array): readonly Click[] {
    const parsed: unknown = JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8'));
    if (!isBody(parsed)) throw new TypeError('Not a batch of clicks in format 1');
    const { base, texts, clicks: numbers } = parsed;
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
        visitor: textAt(numbers[at + 2]),
        country: textAt(numbers[at + 3]),
        userAgent: textAt(numbers[at + 4]),
        referrer: textAt(numbers[at + 5]),
      });
    }
    return clicks;
  },
};

interface Body {
  readonly base: number;
  readonly texts: readonly unknown[];
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
    value.clicks.length % FIELDS === 0
  );
}
