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
