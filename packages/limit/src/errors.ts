import { SpillwayError } from '@spillway/kernel';

/** The limiter was closed, before or during the wait. */
export class LimiterClosedError extends SpillwayError {
  override readonly name = 'LimiterClosedError';
  readonly code = 'SPILLWAY_LIMITER_CLOSED';
  readonly retryable = false;

  constructor() {
    super('The limiter is closed: nobody waits for it any more');
  }
}
