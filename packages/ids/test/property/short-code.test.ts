import { createShortCode } from '@spillway/ids';
import { seededRandom } from '@spillway/kernel';
import { describe, expect, test } from 'vitest';

const SEED = 20_240_607;
const secret = 'a secret for tests only';

describe('short codes, over the whole range', () => {
  test(`G1: a million samples (seed ${SEED}) and the edges encode to distinct codes, and decode to themselves`, () => {
    const codes = createShortCode({ secret });
    const random = seededRandom(SEED);
    const ids = new Set<number>();
    for (let distance = 0; distance < 10_000; distance++) {
      ids.add(distance).add(codes.size - 1 - distance);
      // Around the places where the halves of the network carry over.
      ids.add(Math.ceil(Math.sqrt(codes.size)) * (distance + 1)).add(Math.floor(codes.size / 2) - 5_000 + distance);
    }
    for (let power = 1; power < codes.size; power *= 2)
      ids
        .add(power - 1)
        .add(power)
        .add(power + 1);
    // Two draws, since one has 32 bits and the range has 41.
    while (ids.size < 1_000_000) ids.add(Math.floor((random() + random() / 2 ** 32) * codes.size) % codes.size);

    const seen = new Set<string>();
    let wrong = 0;
    for (const id of ids) {
      const code = codes.encode(id);
      seen.add(code);
      if (codes.decode(code) !== id) wrong += 1;
    }
    expect(wrong).toBe(0);
    expect(seen.size).toBe(ids.size);
    expect([...seen].every((code) => /^[1-9A-HJ-NP-Za-km-z]{7}$/.test(code))).toBe(true);
  });

  test('G1: all 195,112 codes of length 3 are used, each once', () => {
    const codes = createShortCode({ secret, length: 3 });
    const seen = new Set<string>();
    for (let id = 0; id < codes.size; id++) seen.add(codes.encode(id));
    expect(seen.size).toBe(58 ** 3);
  });

  test.each([4, 5, 6, 8, 9])('G1: length %i encodes and decodes its edges', (length) => {
    const codes = createShortCode({ secret, length });
    for (let distance = 0; distance < 1_000; distance++) {
      for (const id of [distance, codes.size - 1 - distance]) expect(codes.decode(codes.encode(id))).toBe(id);
    }
  });

  test('every code of the alphabet decodes to an id that encodes to it', () => {
    const codes = createShortCode({ secret });
    for (const code of ['1111111', 'zzzzzzz', 'aB3xY9k', 'Spi11wy']) {
      const id = codes.decode(code);
      expect(id).toBeDefined();
      expect(codes.encode(id as number)).toBe(code);
    }
  });
});

describe('short codes, to someone without the secret', () => {
  test('another secret gives other codes', () => {
    const one = createShortCode({ secret });
    const other = createShortCode({ secret: `${secret}.` });
    let same = 0;
    for (let id = 0; id < 20_000; id++) if (one.encode(id) === other.encode(id)) same += 1;
    // Expected 20,000 / 58^7 = 1e-8.
    expect(same).toBe(0);
  });

  test('another length gives unrelated codes, not prefixes', () => {
    const short = createShortCode({ secret, length: 7 });
    const long = createShortCode({ secret, length: 8 });
    let same = 0;
    for (let id = 0; id < 1_000; id++) if (long.encode(id).includes(short.encode(id))) same += 1;
    expect(same).toBe(0);
  });

  test('avalanche: codes of consecutive ids agree in a digit no more often than chance, at every place', () => {
    const codes = createShortCode({ secret });
    const pairs = 50_000;
    const agreements = new Array<number>(7).fill(0);
    let last = codes.encode(0);
    for (let id = 1; id <= pairs; id++) {
      const code = codes.encode(id);
      for (let place = 0; place < 7; place++) {
        if (code[place] === last[place]) agreements[place] = (agreements[place] ?? 0) + 1;
      }
      last = code;
    }
    // Binomial(50,000, 1/58): mean 862, deviation 29.1; six deviations either way.
    for (const count of agreements) expect(Math.abs(count - pairs / 58)).toBeLessThan(6 * 29.1);
  });

  test('every digit is as likely as any other, at every place', () => {
    const codes = createShortCode({ secret });
    const samples = 58_000;
    const counts = Array.from({ length: 7 }, () => new Map<string, number>());
    for (let id = 0; id < samples; id++) {
      for (const [place, digit] of [...codes.encode(id)].entries()) {
        const at = counts[place] as Map<string, number>;
        at.set(digit, (at.get(digit) ?? 0) + 1);
      }
    }
    for (const at of counts) {
      const chiSquared =
        [...at.values()].reduce((sum, n) => sum + (n - 1_000) ** 2 / 1_000, 0) + (58 - at.size) * 1_000;
      // 57 degrees of freedom: mean 57, deviation 10.7. Beyond 121 lies one in 10^6.
      expect(chiSquared).toBeLessThan(121);
    }
  });
});
