import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Click, MAX_REFERRER, MAX_USER_AGENT } from './click.ts';
import { clickCodec, createVisitEncoder } from './click-codec.ts';
import { toRow } from './click-row.ts';
import type { Identify } from './identify.ts';
import { readReplayTime } from './replay-time.ts';

const visit = { linkId: 7, atMs: 1_700_000_000_123, ip: '192.0.2.1', userAgent: undefined, referrer: undefined };
const click: Click = { linkId: 7, atMs: 0, visitor: 0xff00ff00n, country: 'SE', userAgent: '', referrer: '' };
const identify: Identify = (ip, into, at) => {
  into.setBigInt64(at, BigInt(ip.length), true);
  return `country of ${ip.length}`;
};
const encodeVisits = createVisitEncoder(identify);

test('a visit becomes a click without an address, and with bounded texts', () => {
  const body = encodeVisits([{ ...visit, userAgent: 'a'.repeat(5000), referrer: 'b'.repeat(5000) }, visit]);
  expect(Buffer.from(body).toString('latin1')).not.toContain('192.0.2.1');
  const told = { linkId: 7, atMs: visit.atMs, visitor: 9n, country: 'country of 9' };
  expect(clickCodec.decode(body)).toEqual([
    { ...told, userAgent: 'a'.repeat(MAX_USER_AGENT), referrer: 'b'.repeat(MAX_REFERRER) },
    { ...told, userAgent: '', referrer: '' },
  ]);
});

test('any batch of clicks is read as it was written, wherever it lies in memory', () => {
  const clicks = fc.array(
    fc.record({
      linkId: fc.maxSafeNat(),
      atMs: fc.maxSafeInteger(),
      visitor: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      country: fc.constantFrom('SE', 'unknown', '__proto__', 'constructor'),
      userAgent: fc.string({ unit: 'binary', maxLength: 20 }),
      referrer: fc.string({ unit: 'grapheme', maxLength: 20 }),
    }),
  );
  fc.assert(
    fc.property(clicks, fc.nat(9), (given, offset) => {
      const body = clickCodec.encode(given);
      const moved = Buffer.concat([Buffer.alloc(offset), body, Buffer.alloc(3)]).subarray(offset, offset + body.length);
      expect(clickCodec.decode(moved)).toEqual(given);
    }),
  );
});

test('a batch in the bytes of format 2', () => {
  const bytes = `02000000 01000000 0000000000001c40 0000000000000000 00ff00ff00000000 0000 0100 0100${Buffer.from('["SE",""]').toString('hex')}`;
  expect(Buffer.from(clickCodec.encode([click])).toString('hex')).toBe(bytes.replaceAll(' ', ''));
});

describe('a body that is no batch of clicks is refused', () => {
  const body = Buffer.from(clickCodec.encode([click]));
  const changed = (at: number, ...bytes: number[]) =>
    Buffer.concat([body.subarray(0, at), Buffer.from(bytes), body.subarray(at + bytes.length)]);
  const textsAt = body.length - '["SE",""]'.length;
  test.each<[string, Uint8Array]>([
    ['empty', Buffer.alloc(0)],
    ['JSON of format 1', Buffer.from('{"v":1,"base":0,"texts":[],"visitors":"","clicks":[]}')],
    ['another version', changed(0, 3)],
    ['cut in its head', body.subarray(0, 5)],
    ['cut in its columns', body.subarray(0, 20)],
    ['more clicks than there are', changed(4, 2)],
    ['as many as there can not be', changed(4, 255, 255, 255, 255)],
    ['a fraction for a link', changed(8 + 6, 0xe1, 0x3f)],
    ['not a number for a time', changed(16 + 6, 0xf8, 0x7f)],
    ['a place beyond the texts', changed(textsAt - 2, 9)],
    ['texts that are no JSON', body.subarray(0, -1)],
    ['texts that are no list', Buffer.concat([body.subarray(0, textsAt), Buffer.from('{"0":"SE","1":""}')])],
    ['a text that is none', Buffer.concat([body.subarray(0, textsAt), Buffer.from('["SE",5]')])],
  ])('%s', (_, bytes) => {
    expect(() => clickCodec.decode(bytes)).toThrow(TypeError);
  });
});

test('more texts than a batch has places for are refused, so that the batch is halved', () => {
  const clicks = Array.from({ length: 2 ** 16 }, (_, at) => ({ ...click, userAgent: String(at) }));
  expect(() => clickCodec.encode(clicks)).toThrow(RangeError);
});

test('a referrer is kept as sent; "-" is none, UTF-8 bytes become their text, NUL goes', () => {
  const kept = (referrer: string) => toRow({ ...click, referrer }).referrer;
  expect(kept('http://a.example/?q=%20x')).toBe('http://a.example/?q=%20x');
  expect(kept('-')).toBe('');
  expect(kept(Buffer.from('http://å.example/').toString('latin1'))).toBe('http://å.example/');
  expect(kept('http://\xe5.example/')).toBe('http://\xe5.example/');
  expect(kept('a\0b')).toBe('ab');
});

test.each(['å', '€', '🙂', 'a'])('a referrer that is cut ends with a whole %s, however it lies', (character) => {
  for (const before of ['', 'x', 'xx', 'xxx']) {
    const sent = `http://a.example/${before}${character.repeat(MAX_REFERRER)}`;
    const [cut = click] = clickCodec.decode(
      encodeVisits([{ ...visit, referrer: Buffer.from(sent).toString('latin1') }]),
    );
    const { referrer } = toRow(cut);
    expect(sent.startsWith(referrer), referrer.slice(0, 30)).toBe(true);
    expect(Buffer.byteLength(referrer)).toBeGreaterThan(MAX_REFERRER - Buffer.byteLength(character));
  }
  const latin1 = `http://a.example/${'\xe5'.repeat(MAX_REFERRER)}`;
  const [kept = click] = clickCodec.decode(encodeVisits([{ ...visit, referrer: latin1 }]));
  expect(toRow(kept).referrer).toBe(latin1.slice(0, MAX_REFERRER));
});

test('the time of a replayed click is believed only within reason', () => {
  const nowMs = Date.UTC(2026, 0);
  const read = (text: string | undefined) => readReplayTime(text, nowMs);
  expect(read('2015-05-17T10:05:03Z')).toBe(Date.UTC(2015, 4, 17, 10, 5, 3));
  expect(read('2015-05-17T12:05:03+02:00')).toBe(Date.UTC(2015, 4, 17, 10, 5, 3));
  for (const wild of [undefined, '', 'yesterday', '1431857103000', '0001-01-01T00:00:00Z', '2027-01-01T00:00:00Z']) {
    expect(read(wild)).toBeUndefined();
  }
  expect(read('2015-13-45T00:00:00Z')).toBeUndefined();
});
