import { ValueTooLargeError } from '../errors.ts';
import type { Meter } from '../meter.ts';
import type { CacheCodec } from './codec.ts';
import { freezeDeep } from './freeze.ts';

/** A value as it is handed out: frozen, and weighed. */
export interface Shared<Value> {
  readonly value: Value;
  readonly bytes: number;
}

/** Values on their way in and out of the store. What can not be turned is metered, and treated as not there. */
export interface Values<Value> {
  share<Given extends Value | undefined>(value: Given): Shared<Given>;
  decode(text: string): Shared<Value> | undefined;
  /** `text` is undefined for a negative entry; the whole is, when the codec refuses the value. */
  encode(value: Value | undefined): { readonly text: string | undefined } | undefined;
}

export function createValues<Value>(codec: CacheCodec<Value>, maxBytes: number, meter: Meter): Values<Value> {
  const share = <Given>(value: Given): Shared<Given> => ({ value, bytes: freezeDeep(value).bytes });
  const check = (text: string): void => {
    // A character takes at most three bytes: nothing is counted where all is well.
    if (text.length * 3 <= maxBytes) return;
    const bytes = Buffer.byteLength(text);
    if (bytes <= maxBytes) return;
    meter.bound('entry-bytes');
    throw new ValueTooLargeError(bytes, maxBytes, 'maxEntryBytes');
  };
  return {
    share,
    decode(text) {
      try {
        check(text);
        return share(codec.decode(text));
      } catch (error) {
        meter.error('decode', error);
        return undefined;
      }
    },
    encode(value) {
      try {
        if (value === undefined) return { text: undefined };
        const text = codec.encode(value);
        check(text);
        return { text };
      } catch (error) {
        meter.error('encode', error);
        return undefined;
      }
    },
  };
}
