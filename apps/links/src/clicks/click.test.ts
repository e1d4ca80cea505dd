import { expect, test } from 'vitest';
import { MAX_REFERRER, MAX_USER_AGENT, toClick } from './click.ts';
import { clickCodec } from './click-codec.ts';
import { toRow } from './click-row.ts';
import { readReplayTime } from './replay-time.ts';

const client = { visitor: '00ff00ff00ff00ff', country: 'SE' };
const visit = { linkId: 7, atMs: 1_700_000_000_123, ip: '192.0.2.1', userAgent: undefined, referrer: undefined };

test('a click carries no address, and bounded texts', () => {
  const click = toClick({ ...visit, userAgent: 'a'.repeat(5000), referrer: 'b'.repeat(5000) }, () => client);
  expect(JSON.stringify(click)).not.toContain('192.0.2.1');
  expect(click.userAgent).toBe('a'.repeat(MAX_USER_AGENT));
  expect(click.referrer).toBe('b'.repeat(MAX_REFERRER));
});

test('a batch of clicks is read as it was written', () => {
  const clicks = ['', '-', 'é "quoted" \\ {NULL}', '__proto__', 'constructor'].map((text, index) => ({
    ...client,
    linkId: index * 2 ** 40,
    atMs: 1_700_000_000_000 - index,
    userAgent: text,
    referrer: `${text}x`,
  }));
  expect(clickCodec.decode(clickCodec.encode(clicks))).toEqual(clicks);
  expect(clickCodec.decode(clickCodec.encode([]))).toEqual([]);
});

test.each([
  'null',
  '[]',
  '{"v":2,"base":0,"texts":[],"visitors":"","clicks":[]}',
  '{"v":1,"base":0,"texts":[],"clicks":[]}',
  '{"v":1,"base":0,"texts":[],"visitors":"","clicks":[1]}',
  '{"v":1,"base":0,"texts":["a"],"visitors":"","clicks":[1,2,0,0,0]}',
  '{"v":1,"base":0,"texts":[],"visitors":"00ff00ff00ff00ff","clicks":[1,2,3,4,5]}',
  '{"v":1,"base":0,"texts":["a"],"visitors":"00ff00ff00ff00ff","clicks":["1",2,0,0,0]}',
  '{"v":1,"base":0,"texts":[5],"visitors":"00ff00ff00ff00ff","clicks":[1,2,0,0,0]}',
])('a body that is no batch of clicks is refused: %s', (body) => {
  expect(() => clickCodec.decode(Buffer.from(body))).toThrow(TypeError);
});

test('a click whose visitor has another length is refused by the codec, which would read it as part of its neighbour', () => {
  expect(() => clickCodec.encode([{ ...client, ...visit, visitor: 'xyz', userAgent: '', referrer: '' }])).toThrow(
    TypeError,
  );
});

test('a visitor hash that is none is refused alone, not with its batch', () => {
  expect(() => toRow({ ...client, ...visit, visitor: 'xyz', userAgent: '', referrer: '' })).toThrow(SyntaxError);
});

test('a referrer is kept as sent; "-" is none, UTF-8 bytes become their text, NUL goes', () => {
  const kept = (referrer: string) => toRow({ ...client, linkId: 1, atMs: 0, userAgent: '', referrer }).referrer;
  expect(kept('http://a.example/?q=%20x')).toBe('http://a.example/?q=%20x');
  expect(kept('-')).toBe('');
  expect(kept(Buffer.from('http://å.example/').toString('latin1'))).toBe('http://å.example/');
  expect(kept('http://\xe5.example/')).toBe('http://\xe5.example/');
  expect(kept('a\0b')).toBe('ab');
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
