/**
 * SipHash-2-4 (Aumasson and Bernstein, 2012): a keyed hash of 64 bits for short messages. In JavaScript, since a call into
 * OpenSSL costs several times as much as the hash of an address. 64-bit words are pairs of 32-bit halves, high and low.
 *
 * Hashes the first `length` bytes of `message`, and writes the digest, as a little-endian integer of 64 bits, to `into` at `at`:
 * to make a number or a text of it costs more than to hash.
 */
export type SipHash = (message: Uint8Array, length: number, into: DataView, at: number) => void;

/** `key`: 16 bytes. */
export function createSipHash(key: Uint8Array): SipHash {
  if (key.length !== 16) throw new RangeError(`A SipHash key has 16 bytes, got ${key.length}`);
  const view = new DataView(key.buffer, key.byteOffset, 16);
  const [k0l, k0h, k1l, k1h] = [0, 4, 8, 12].map((at) => view.getInt32(at, true)) as [number, number, number, number];
  // One state for all calls: v0 to v3. It is set anew by each, and no call is ever inside another.
  let [v0h, v0l, v1h, v1l, v2h, v2l, v3h, v3l] = [0, 0, 0, 0, 0, 0, 0, 0];

  const round = (): void => {
    let low = (v0l >>> 0) + (v1l >>> 0);
    v0h = (v0h + v1h + (low > 0xffffffff ? 1 : 0)) | 0;
    v0l = low | 0;
    let high = v1h;
    v1h = ((v1h << 13) | (v1l >>> 19)) ^ v0h;
    v1l = ((v1l << 13) | (high >>> 19)) ^ v0l;
    high = v0h;
    v0h = v0l;
    v0l = high;
    low = (v2l >>> 0) + (v3l >>> 0);
    v2h = (v2h + v3h + (low > 0xffffffff ? 1 : 0)) | 0;
    v2l = low | 0;
    high = v3h;
    v3h = ((v3h << 16) | (v3l >>> 16)) ^ v2h;
    v3l = ((v3l << 16) | (high >>> 16)) ^ v2l;
    low = (v0l >>> 0) + (v3l >>> 0);
    v0h = (v0h + v3h + (low > 0xffffffff ? 1 : 0)) | 0;
    v0l = low | 0;
    high = v3h;
    v3h = ((v3h << 21) | (v3l >>> 11)) ^ v0h;
    v3l = ((v3l << 21) | (high >>> 11)) ^ v0l;
    low = (v2l >>> 0) + (v1l >>> 0);
    v2h = (v2h + v1h + (low > 0xffffffff ? 1 : 0)) | 0;
    v2l = low | 0;
    high = v1h;
    v1h = ((v1h << 17) | (v1l >>> 15)) ^ v2h;
    v1l = ((v1l << 17) | (high >>> 15)) ^ v2l;
    high = v2h;
    v2h = v2l;
    v2l = high;
  };

  const absorb = (high: number, low: number): void => {
    v3h ^= high;
    v3l ^= low;
    round();
    round();
    v0h ^= high;
    v0l ^= low;
  };

  return (message, length, into, at) => {
    v0h = k0h ^ 0x736f6d65;
    v0l = k0l ^ 0x70736575;
    v1h = k1h ^ 0x646f7261;
    v1l = k1l ^ 0x6e646f6d;
    v2h = k0h ^ 0x6c796765;
    v2l = k0l ^ 0x6e657261;
    v3h = k1h ^ 0x74656462;
    v3l = k1l ^ 0x79746573;
    // Little-endian words; the last one ends with the length.
    const byte = (of: number): number => (of < length ? (message[of] ?? 0) : 0);
    const half = (of: number): number => byte(of) | (byte(of + 1) << 8) | (byte(of + 2) << 16) | (byte(of + 3) << 24);
    const whole = length & ~7;
    for (let of = 0; of < whole; of += 8) absorb(half(of + 4), half(of));
    absorb(half(whole + 4) | (length << 24), half(whole));
    v2l ^= 0xff;
    round();
    round();
    round();
    round();
    into.setInt32(at, v0l ^ v1l ^ v2l ^ v3l, true);
    into.setInt32(at + 4, v0h ^ v1h ^ v2h ^ v3h, true);
  };
}
