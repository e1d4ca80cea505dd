import { SpillwayError } from '@spillway/kernel';

/** A value that the codec can not bring back with the same types. It is served, but stays out of the second tier. */
export class UnsupportedValueError extends SpillwayError {
  override readonly name = 'UnsupportedValueError';
  readonly code = 'SPILLWAY_UNSUPPORTED_VALUE';
  readonly retryable = false;

  /** @param what names the value's type, e.g. `"a function"` */
  constructor(what: string) {
    super(`A cached value holds ${what}, which JSON can not bring back; cache plain data, or pass a codec of your own`);
  }
}
