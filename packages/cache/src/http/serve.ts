import { type CacheStatus, serialiseCacheStatus } from './cache-status.ts';
import { type Fields, fieldValue } from './fields.ts';
import { fieldsOf304, isNotModified, rangeOf } from './preconditions.ts';
import type { CacheRequest } from './request-key.ts';
import { conditionOf, type StoredResponse } from './stored-response.ts';

/** A whole answer, ready to be sent. */
export interface Answer {
  readonly status: number;
  readonly fields: Fields;
  /** Undefined: none is sent, whatever `content-length` says. */
  readonly body: Buffer | undefined;
}

/** Statuses that never have a body, nor a length of one. */
export const isBodiless = (status: number): boolean => status === 204 || status === 205 || status === 304;

/** What a request gets of a stored response: all of it, a part, 304, or its head. */
export function answerFrom(
  stored: StoredResponse,
  request: CacheRequest,
  { name, status, nowMs }: { readonly name: string; readonly status: CacheStatus; readonly nowMs: number },
): Answer {
  const { ageSeconds } = conditionOf(stored, nowMs);
  const { body } = stored;
  const upstream = fieldValue(stored.fields, 'cache-status');
  const member = serialiseCacheStatus(name, status);
  const own: Fields = [
    ['age', String(ageSeconds)],
    ['cache-status', upstream === undefined ? member : `${upstream}, ${member}`],
  ];
  if (isNotModified(stored.status, stored.fields, request.header)) {
    return { status: 304, fields: [...fieldsOf304(stored.fields), ...own], body: undefined };
  }
  const fields = [...stored.fields, ...own];
  if (request.method === 'HEAD') {
    return { status: stored.status, fields: withLength(stored.status, fields, body.length), body: undefined };
  }
  const range = rangeOf(stored.status, stored.fields, body.length, request.header);
  if (range === undefined) {
    return { status: stored.status, fields: withLength(stored.status, fields, body.length), body };
  }
  if (range === 'unsatisfiable') {
    const none = Buffer.alloc(0);
    return {
      status: 416,
      fields: [...own, ['content-range', `bytes */${body.length}`], ['content-length', '0']],
      body: none,
    };
  }
  const part = body.subarray(range.from, range.to + 1);
  const contentRange = `bytes ${range.from}-${range.to}/${body.length}`;
  return {
    status: 206,
    fields: [...withLength(206, fields, part.length), ['content-range', contentRange]],
    body: part,
  };
}

const withLength = (status: number, fields: Fields, length: number): Fields =>
  isBodiless(status) ? fields : [...fields, ['content-length', String(length)]];
