import { describe, expect, test } from 'vitest';
import { createCutter, Reassembly } from './notify-chunks.ts';

const take = (reassembly: Reassembly, payloads: string[]): string[] =>
  payloads.map((payload) => reassembly.take(payload)).filter((frame) => frame !== undefined);

describe('frames over NOTIFY', () => {
  test('payloads fit, differ from each other, and make the frame again', () => {
    const cut = createCutter('sender');
    const reassembly = new Reassembly();
    const seen = new Set<string>();
    for (const unit of ['x', 'é', '漢', '🙂', '\u2028']) {
      for (const length of [0, 1, 2_499, 2_500, 2_501, 5_000, 20_001]) {
        for (const frame of [unit.repeat(length), `x${unit.repeat(length)}`]) {
          const payloads = cut(frame);
          for (const payload of payloads) {
            expect(Buffer.byteLength(payload)).toBeLessThan(8_000);
            expect(payload.isWellFormed()).toBe(true);
          }
          if (payloads.length > 1) {
            for (const payload of payloads) expect(seen.has(payload)).toBe(false);
            for (const payload of payloads) seen.add(payload);
          }
          const frames = take(reassembly, payloads);
          expect(frames.length).toBe(1);
          expect(frames[0] === frame).toBe(true);
        }
      }
    }
  });

  test('pieces of several senders may mix', () => {
    const reassembly = new Reassembly();
    const [a, b] = ['a', 'b'].map((name) => createCutter(name)(name.repeat(6_000)));
    const mixed = (a ?? []).flatMap((payload, i) => [payload, b?.[i] ?? '']);
    expect(take(reassembly, mixed).map((frame) => frame[0])).toEqual(['a', 'b']);
  });

  test('a frame with a lost piece is lost, and the next one is whole', () => {
    const cut = createCutter('a');
    const first = cut('1'.repeat(9_000));
    const second = cut('2'.repeat(9_000));
    for (let lost = 0; lost < first.length; lost++) {
      const payloads = [...first.filter((_, i) => i !== lost), ...second];
      expect(take(new Reassembly(), payloads).map((frame) => frame[0])).toEqual(['2']);
    }
  });

  test('what is no payload is ignored', () => {
    expect(take(new Reassembly(), ['', 'x', '+', '!a 1 b', '+a 1 b', '>a', '> 1 x'])).toEqual([]);
  });
});
