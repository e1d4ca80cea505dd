/** Digits of base 58 in the order of their values: no `0`, `O`, `I` and `l`, which look alike. The order is Bitcoin's. */
export const BASE58 = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';

const RADIX = 58;

// By character code; -1 for what is not a digit.
const VALUES = new Int8Array(128).fill(-1);
for (let value = 0; value < RADIX; value++) VALUES[BASE58.charCodeAt(value)] = value;

/** `value` (an integer in [0, 58^length)) in exactly `length` digits. */
export function toBase58(value: number, length: number): string {
  let rest = value;
  let text = '';
  for (let digit = 0; digit < length; digit++) {
    text = BASE58.charAt(rest % RADIX) + text;
    rest = Math.floor(rest / RADIX);
  }
  return text;
}

/** The value of exactly `length` digits, or `undefined` for anything else. Exact up to 9 digits. */
export function fromBase58(text: string, length: number): number | undefined {
  if (text.length !== length) return undefined;
  let value = 0;
  for (let index = 0; index < length; index++) {
    const digit = VALUES[text.charCodeAt(index)] ?? -1;
    if (digit < 0) return undefined;
    value = value * RADIX + digit;
  }
  return value;
}
