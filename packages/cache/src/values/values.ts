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

export function createValues<Value>(codec: CacheCodec<Value>, meter: Meter): Values<Value> {
  const share = <Given>(value: Given): Shared<Given> => ({ value, bytes: freezeDeep(value).bytes });
  return {
    share,
    decode(text) {
      try {
        return share(codec.decode(text));
      } catch (error) {
        meter.error('decode', error);
        return undefined;
      }
    },
    encode(value) {
      try {
        return { text: value === undefined ? undefined : codec.encode(value) };
      } catch (error) {
        meter.error('encode', error);
        return undefined;
      }
    },
  };
}
