import { SpillwayError } from '@spillway/kernel';

/** This instance's secret is not the one the database was first used with: its codes would meet those made so far. */
export class SecretMismatchError extends SpillwayError {
  override readonly name = 'SecretMismatchError';
  readonly code = 'SPILLWAY_SECRET_MISMATCH';
  readonly retryable = false;

  constructor(purpose: string) {
    super(
      `The secret is not the one that the codes of "${purpose}" in this database were made with. ` +
        'Start with the first secret (it belongs into the backup), or use a fresh database.',
    );
  }
}

/** Two instances ask one sequence for blocks of different sizes, which would overlap. */
export class BlockSizeMismatchError extends SpillwayError {
  override readonly name = 'BlockSizeMismatchError';
  readonly code = 'SPILLWAY_BLOCK_SIZE_MISMATCH';
  readonly retryable = false;

  constructor(sequence: string, asked: number, fixed: number) {
    super(
      `The sequence "${sequence}" was first used with blocks of ${fixed} ids, not ${asked}. ` +
        `Set blockSize to ${fixed}, or use another sequence.`,
    );
  }
}

/** An id that has no code of the configured length. */
export class IdOutOfRangeError extends SpillwayError {
  override readonly name = 'IdOutOfRangeError';
  readonly code = 'SPILLWAY_ID_OUT_OF_RANGE';
  readonly retryable = false;

  constructor(id: unknown, size: number, length: number) {
    super(
      `${String(id)} has no code of length ${length}; ids are integers from 0 to ${size - 1}. ` +
        'When the ids are used up, make the codes longer: codes of different lengths never meet.',
    );
  }
}

/** A block whose ids would not be safe integers: the sequence is used up, or its source gave a number that is none. */
export class BlockOutOfRangeError extends SpillwayError {
  override readonly name = 'BlockOutOfRangeError';
  readonly code = 'SPILLWAY_BLOCK_OUT_OF_RANGE';
  readonly retryable = false;

  constructor(number: unknown, blockSize: number) {
    super(
      `${JSON.stringify(number)} is not the number of a block of ${blockSize} ids; it must be an integer from 1 to ` +
        `${Math.floor((Number.MAX_SAFE_INTEGER - 1) / blockSize)}. Mend the block source, or start a new sequence.`,
    );
  }
}
