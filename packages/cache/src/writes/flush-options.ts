import { type Duration, toMs } from '@spillway/kernel';

/** A timeout and a signal as one signal: a log needs to know no more. */
export function toFlushOptions({
  timeout,
  signal,
}: {
  readonly timeout?: Duration | undefined;
  readonly signal?: AbortSignal | undefined;
}): { readonly signal?: AbortSignal } {
  if (timeout === undefined) return signal === undefined ? {} : { signal };
  const ended = AbortSignal.timeout(toMs(timeout));
  return { signal: signal === undefined ? ended : AbortSignal.any([signal, ended]) };
}
