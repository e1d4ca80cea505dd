import type { CacheCodec } from '../values/codec.ts';
import type { LoggedWrite } from './write-log.ts';

/** What is to stand under a key in the truth; `undefined`: nothing. */
export interface Write<Value> {
  readonly key: string;
  readonly value: Value | undefined;
}

/** One write per key, its last, in the order of the keys: two that write the same rows at the same time do not wait for each other in a circle. */
export function toWrites<Value>(logged: readonly LoggedWrite[], codec: CacheCodec<Value>): Write<Value>[] {
  const last = new Map<string, string | undefined>();
  for (const { key, text } of logged) last.set(key, text);
  return [...last]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([key, text]) => ({ key, value: text === undefined ? undefined : codec.decode(text) }));
}
