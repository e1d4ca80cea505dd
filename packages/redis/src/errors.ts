import { SpillwayError } from '@spillway/kernel';

/** The server understood the command and refused it: `WRONGTYPE`, `OOM`, `NOPERM`, a script's own error. */
export class RedisReplyError extends SpillwayError {
  override readonly name = 'RedisReplyError';
  readonly code = 'SPILLWAY_REDIS_REPLY';
  readonly retryable: boolean;
  /** The command, or the name of the script. */
  readonly operation: string;
  /** The first word of the server's message: `"NOPERM"`, `"OOM"`, `"ERR"`. */
  readonly reply: string;

  /** False where it is known to have done nothing: a script may have written before its error. */
  readonly mayHaveRun: boolean = true;

  constructor(operation: string, message: string, remedy?: string, cause?: unknown) {
    super(`Redis refused "${operation}": ${message}${remedy === undefined ? '' : `. ${remedy}`}`, { cause });
    this.operation = operation;
    this.reply = /^[A-Z]+/.exec(message)?.[0] ?? 'ERR';
    // Out of memory and out of disk pass; a wrong type or a missing right does not.
    this.retryable = this.reply === 'OOM' || this.reply === 'MISCONF' || this.reply === 'NOREPLICAS';
  }

  /** The same, told by somebody who knows that it did nothing. */
  withoutEffect(): this {
    return Object.defineProperty(this, 'mayHaveRun', { value: false, enumerable: true });
  }
}

/** A script answered with something else than its definition says: two versions of it under one name, or a bug. */
export class ScriptReplyError extends SpillwayError {
  override readonly name = 'ScriptReplyError';
  readonly code = 'SPILLWAY_SCRIPT_REPLY';
  readonly retryable = false;

  constructor(script: string, expected: string, raw: unknown) {
    super(`The script "${script}" answered ${describe(raw)} where ${expected} was expected`);
  }
}

function describe(raw: unknown): string {
  const text = JSON.stringify(raw, (_, value) => (typeof value === 'bigint' ? `${value}n` : value)) ?? String(raw);
  return text.length > 200 ? `${text.slice(0, 200)}...` : text;
}
