import { StoreUnavailableError } from '@spillway/kernel';

/** A wire has no socket: what fails with this was not sent. */
export class NoConnectionError extends Error {
  override readonly name = 'NoConnectionError';

  constructor() {
    super('There is no connection');
  }
}

/** For commands that were never sent: nothing of them can come late. */
export const notSent = (operation: string, cause: unknown, detail: string): StoreUnavailableError =>
  new StoreUnavailableError(operation, cause, detail, { mayHaveRun: false });
