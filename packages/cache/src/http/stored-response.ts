import { hash } from 'node:crypto';
import { type Fields, fieldValue, storedFields } from './fields.ts';
import type { Allowance } from './storable.ts';

/** A response as the cache keeps it. Plain data: it travels through L2. */
export interface StoredResponse extends Allowance {
  readonly status: number;
  readonly fields: Fields;
  readonly body: Buffer;
  /** Milliseconds since 1970. */
  readonly storedAtMs: number;
  /** The named request fields that it answers. */
  readonly variant: string;
}

/** @param before see `storedFields` */
export function toStored(
  response: { readonly status: number; readonly fields: Fields; readonly body: Buffer },
  allowance: Allowance,
  made: { readonly before: Fields; readonly nowMs: number; readonly variant: string },
): StoredResponse {
  const fields = [...storedFields(response.fields, made.before)];
  if (response.status === 200 && fieldValue(response.fields, 'etag') === undefined) {
    fields.push(['etag', `W/"${hash('sha256', response.body, 'base64url').slice(0, 27)}"`]);
  }
  if (fieldValue(response.fields, 'date') === undefined) {
    fields.push(['date', new Date(made.nowMs).toUTCString()]);
  }
  const { status, body } = response;
  const { nowMs: storedAtMs, variant } = made;
  return { ...allowance, status, fields, body, storedAtMs, variant };
}

export interface Condition {
  readonly freshForMs: number;
  readonly whileRevalidating: boolean;
  readonly onError: boolean;
  readonly ageSeconds: number;
}

/** What may be done with it now. */
export function conditionOf(stored: StoredResponse, nowMs: number): Condition {
  // A host whose clock is behind would see it come from the future.
  const elapsedMs = Math.max(0, nowMs - stored.storedAtMs);
  const freshForMs = stored.freshMs - elapsedMs;
  return {
    freshForMs,
    whileRevalidating: freshForMs > 0 || -freshForMs < stored.staleWhileRevalidateMs,
    onError: freshForMs > 0 || -freshForMs < stored.staleIfErrorMs,
    ageSeconds: Math.floor((stored.ageMs + elapsedMs) / 1000),
  };
}
