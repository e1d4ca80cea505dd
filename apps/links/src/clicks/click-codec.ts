import { type Click, MAX_REFERRER, MAX_USER_AGENT, type Visit } from './click.ts';
import type { Identify } from './identify.ts';

/**
 * A batch of clicks as it stands in spool and stream. Little-endian: the version of the format (32 bits), the number of clicks n
 * (32), then columns of n values each: link (float 64), time (float 64), visitor (integer 64), and country, user agent and referrer
 * (16 each) as places in a list of texts, which follows as JSON up to the end.
 *
 * Columns, since nothing then has to be made per click, neither to write nor to read; every text stands there once, since clicks
 * repeat their user agents and referrers so much.
 */
const FORMAT = 2;
const HEAD = 8;
const CLICK = 8 + 8 + 8 + 3 * 2;
const MAX_TEXTS = 2 ** 16;

interface Column {
  readonly linkId: number;
  readonly atMs: number;
  readonly userAgent: string | undefined;
  readonly referrer: string | undefined;
}

/**
 * From visits to a batch, once per batch: its clients are told by `identify` here and not as they come, since a loop over them all
 * takes half the time of so many single calls.
 */
export const createVisitEncoder =
  (identify: Identify) =>
  (visits: readonly Visit[]): Uint8Array =>
    encode(visits, (visit, into, at) => identify(visit.ip, into, at));

export const clickCodec = {
  encode: (clicks: readonly Click[]): Uint8Array =>
    encode(clicks, ({ visitor, country }, into, at) => {
      into.setBigInt64(at, visitor, true);
      return country;
    }),

  /** @throws {TypeError} when it is no batch of clicks */
  decode(body: Uint8Array): readonly Click[] {
    const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
    const count = body.byteLength < HEAD || view.getUint32(0, true) !== FORMAT ? -1 : view.getUint32(4, true);
    const columns = columnsOf(count);
    if (count < 0 || body.byteLength < columns.texts) throw new TypeError(`Not a batch of clicks in format ${FORMAT}`);
    const texts = parseTexts(body.subarray(columns.texts));
    const textAt = (place: number): string => {
      const text = texts[place];
      if (text === undefined) throw new TypeError(`A batch of clicks has no text at ${place}`);
      return text;
    };
    const integerAt = (at: number): number => {
      const integer = view.getFloat64(at, true);
      if (!Number.isSafeInteger(integer)) throw new TypeError(`A batch of clicks has no integer at ${at}`);
      return integer;
    };
    const clicks: Click[] = [];
    for (let click = 0; click < count; click += 1) {
      clicks.push({
        linkId: integerAt(columns.link + 8 * click),
        atMs: integerAt(columns.time + 8 * click),
        visitor: view.getBigInt64(columns.visitor + 8 * click, true),
        country: textAt(view.getUint16(columns.country + 2 * click, true)),
        userAgent: textAt(view.getUint16(columns.agent + 2 * click, true)),
        referrer: textAt(view.getUint16(columns.referrer + 2 * click, true)),
      });
    }
    return clicks;
  },
};

/** `client` writes who it was, eight bytes, and says the country. @throws {RangeError} when there are too many texts */
function encode<Row extends Column>(
  rows: readonly Row[],
  client: (row: Row, into: DataView, at: number) => string,
): Uint8Array {
  const columns = columnsOf(rows.length);
  const bytes = Buffer.allocUnsafe(columns.texts);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const texts = createTexts();
  const [countryPlace, agentPlace, referrerPlace] = [texts.column(), texts.column(), texts.column()];
  view.setUint32(0, FORMAT, true);
  view.setUint32(4, rows.length, true);
  for (let at = 0; at < rows.length; at += 1) {
    const row = rows[at] as Row;
    view.setFloat64(columns.link + 8 * at, row.linkId, true);
    view.setFloat64(columns.time + 8 * at, row.atMs, true);
    view.setUint16(columns.country + 2 * at, countryPlace(client(row, view, columns.visitor + 8 * at)), true);
    view.setUint16(columns.agent + 2 * at, agentPlace(bounded(row.userAgent, MAX_USER_AGENT)), true);
    view.setUint16(columns.referrer + 2 * at, referrerPlace(bounded(row.referrer, MAX_REFERRER)), true);
  }
  return Buffer.concat([bytes, Buffer.from(JSON.stringify(texts.all()))]);
}

/** Where each column of `count` clicks begins, and where the texts do. */
function columnsOf(count: number) {
  const visitor = HEAD + 16 * count;
  const country = visitor + 8 * count;
  return {
    link: HEAD,
    time: HEAD + 8 * count,
    visitor,
    country,
    agent: country + 2 * count,
    referrer: country + 4 * count,
    texts: HEAD + CLICK * count,
  };
}

/** Texts and their places. A column often repeats its last text, the empty one most of all: no look-up then. */
function createTexts() {
  const places = new Map<string, number>();
  const placeOf = (text: string): number => {
    const known = places.get(text);
    if (known !== undefined) return known;
    if (places.size === MAX_TEXTS) throw new RangeError(`A batch of clicks has more than ${MAX_TEXTS} texts`);
    places.set(text, places.size);
    return places.size - 1;
  };
  return {
    column(): (text: string) => number {
      let last: string | undefined;
      let place = 0;
      return (text) => {
        if (text !== last) {
          last = text;
          place = placeOf(text);
        }
        return place;
      };
    },
    all: () => [...places.keys()],
  };
}

function bounded(value: string | undefined, length: number): string {
  if (value === undefined) return '';
  return value.length > length ? value.slice(0, cutAt(value, length)) : value;
}

/** `length`, or the beginning of the UTF-8 character around it: each of a header's bytes stands as one character. */
function cutAt(header: string, length: number): number {
  let at = length;
  while (at > length - 3 && (header.charCodeAt(at) & 0xc0) === 0x80) at -= 1;
  return header.charCodeAt(at) >= 0xc2 ? at : length;
}

function parseTexts(bytes: Uint8Array): readonly string[] {
  let texts: unknown;
  try {
    texts = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
  } catch (cause) {
    throw new TypeError('The texts of a batch of clicks are no JSON', { cause });
  }
  if (!Array.isArray(texts) || !texts.every((text) => typeof text === 'string')) {
    throw new TypeError('The texts of a batch of clicks are no list of texts');
  }
  return texts;
}
