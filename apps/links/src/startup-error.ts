import { SpillwayError } from '@spillway/kernel';

/** The service can not start here and now: the message says why and what to do, in a paragraph for people. */
export class StartupError extends SpillwayError {
  override readonly name = 'StartupError';
  readonly code = 'SPILLWAY_STARTUP';
  readonly retryable = false;
}
