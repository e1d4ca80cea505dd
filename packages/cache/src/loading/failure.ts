import { isSpillwayError } from '@spillway/kernel';

/** What of an error travels to other processes. */
export interface Failure {
  readonly name: string;
  readonly message: string;
  /** e.g. `SPILLWAY_STORE_UNAVAILABLE` or `ECONNREFUSED`. */
  readonly code?: string | undefined;
  readonly retryable: boolean;
}

const MAX_MESSAGE = 500;

export function failureOf(error: unknown): Failure {
  const { name, message, code } = (error instanceof Error ? error : { message: String(error) }) as Partial<
    Record<'name' | 'message' | 'code', unknown>
  >;
  return {
    name: typeof name === 'string' ? name : typeof error,
    message: String(message).slice(0, MAX_MESSAGE),
    ...(typeof code === 'string' ? { code } : {}),
    retryable: isSpillwayError(error) && error.retryable,
  };
}

/** Undefined for anything else. */
export function toFailure(value: unknown): Failure | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { name, message, code, retryable } = value as Record<string, unknown>;
  if (typeof name !== 'string' || typeof message !== 'string' || typeof retryable !== 'boolean') return undefined;
  return { name, message, retryable, ...(typeof code === 'string' ? { code } : {}) };
}
