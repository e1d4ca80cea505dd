import { StoreUnavailableError } from '@spillway/kernel';

/** The database can not write, since its disk is full: whoever is refused is told so, for it does not pass by itself. */
export class OutOfSpaceError extends StoreUnavailableError {
  constructor(operation: string, cause: unknown) {
    super(operation, cause, 'is out of space; free some on the disk of DATA_DIR');
  }
}
