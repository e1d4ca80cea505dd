import { isSpillwayError } from '@spillway/kernel';

/** How a command ends. */
export const EXIT = {
  done: 0,
  /** Something could not be done; what, was said. */
  failed: 1,
  /** Wrong arguments or settings. */
  usage: 2,
  /** Ctrl-C. */
  interrupted: 130,
} as const;

/** Ends a command with a message for people: what is wrong and how to mend it. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly exitCode: number;

  constructor(message: string, options: ErrorOptions & { readonly exitCode?: number } = {}) {
    super(message, options);
    this.exitCode = options.exitCode ?? EXIT.failed;
  }
}

/** Why something could not be done, in words for people, and the exit code that this deserves. */
export interface Failure {
  readonly message: string;
  readonly exitCode: number;
}

/** Without a stack: the message names the value and the remedy. */
export function explain(error: unknown): Failure {
  if (error instanceof CliError) return error;
  const message = error instanceof Error ? error.message : String(error);
  if (!isSpillwayError(error)) return { message: `Unexpected error: ${message}`, exitCode: EXIT.failed };
  return { message, exitCode: error.code === 'SPILLWAY_CONFIGURATION' ? EXIT.usage : EXIT.failed };
}
