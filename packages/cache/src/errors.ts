import { SpillwayError } from '@spillway/kernel';

/** A value of more bytes than are kept in one entry. It is served, but stays out of the second tier. */
export class ValueTooLargeError extends SpillwayError {
  override readonly name = 'ValueTooLargeError';
  readonly code = 'SPILLWAY_VALUE_TOO_LARGE';
  readonly retryable = false;

  /** @param option which of the caller's options says how many */
  constructor(bytes: number, maxBytes: number, option: string) {
    super(
      `A cached value takes ${bytes} bytes as text, of at most ${maxBytes}; cache it in parts, or raise "${option}"`,
    );
  }
}

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

/** The load of the key ran in another process, and failed there. It was not run again for those who waited for it. */
export class SharedLoadError extends SpillwayError {
  override readonly name = 'SharedLoadError';
  readonly code = 'SPILLWAY_SHARED_LOAD';
  /** As the loader's own error. */
  readonly retryable: boolean;
  /** The name, message and code of the loader's error. */
  readonly reason: { readonly name: string; readonly message: string; readonly code?: string | undefined };

  constructor({ retryable, ...reason }: SharedLoadError['reason'] & { readonly retryable: boolean }) {
    super(`Another process loads this key, and its loader failed with ${reason.name}: ${reason.message}`);
    this.retryable = retryable;
    this.reason = reason;
  }
}
