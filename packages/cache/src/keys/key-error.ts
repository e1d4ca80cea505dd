import { SpillwayError } from '@spillway/kernel';

/** No key can be made of this: two different things could not be told apart. */
export class KeyError extends SpillwayError {
  override readonly name = 'KeyError';
  readonly code = 'SPILLWAY_CACHE_KEY';
  readonly retryable = false;

  constructor(why: string) {
    super(`No key can be made: ${why}`);
  }
}
