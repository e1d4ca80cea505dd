import { isSpillwayError } from '@spillway/kernel';

/** SQLSTATE classes that say "this data": data exception, integrity violation, program limit exceeded. */
const DATA_AT_FAULT = /^(22|23|54)/;

/** SQLite result codes that say the same: TOOBIG, CONSTRAINT, MISMATCH. */
const SQLITE_DATA_AT_FAULT = new Set([18, 19, 20]);

/**
 * Whether an error is the fault of what was to be written, so that it would come back for ever. What a database says of itself
 * (away, full, a missing table, no rights, deadlock) is not: such a write passes later, unchanged. Anything that
 * is no database's error was thrown by the `write` function itself on these events.
 */
export function isPoison(error: unknown): boolean {
  if (isSpillwayError(error)) return !error.retryable;
  if (typeof error !== 'object' || error === null) return true;
  const code = 'code' in error ? error.code : undefined;
  if (code === 'ERR_SQLITE_ERROR') return 'errcode' in error && SQLITE_DATA_AT_FAULT.has(Number(error.errcode) & 0xff);
  if (typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code)) return DATA_AT_FAULT.test(code);
  // ECONNRESET and its like: a system's word, whoever threw it.
  return typeof code !== 'string' || code.startsWith('ERR_');
}
