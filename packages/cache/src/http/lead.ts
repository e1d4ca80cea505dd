import { type CacheStatus, type Forwarded, serialiseCacheStatus } from './cache-status.ts';
import { type Fields, fieldValue } from './fields.ts';
import { isNotModified } from './preconditions.ts';
import type { CacheRequest } from './request-key.ts';
import type { Answer } from './serve.ts';
import { type Credentials, judge, type Refusal, type Terms } from './storable.ts';
import { type StoredResponse, toStored } from './stored-response.ts';

/** Its response is for whoever asked, and nobody else. */
export class NotShared extends Error {
  readonly because: Refusal;
  readonly credentials: Credentials;

  constructor(because: Refusal, credentials: Credentials) {
    super(`Not stored: ${because}`);
    this.because = because;
    this.credentials = credentials;
  }
}

/** The route failed: what was stored before may stand in. */
export class RouteFailed extends Error {}

/** Nobody knows what the response would have been: its client left, or it broke off. */
export class BrokenOff extends Error {}

/** What to do with a response that has begun. */
export type Head =
  | {
      readonly kind: 'pass';
      /** To be set on it. */
      readonly fields: Fields;
      /** The client has it already: answer 304 in its place, if the whole of it is there. */
      readonly notModified: boolean;
      /** Whether to go on telling of its body. */
      readonly capture: boolean;
    }
  /** Keep it back until this is known: an answer in its place, or undefined for itself, with these fields. */
  | { readonly kind: 'hold'; readonly instead: Promise<Answer | undefined>; readonly fields: Fields };

/** Whoever watches a response: a `Lead`, or what waits for a purge. */
export interface Watcher {
  readonly before: Fields;
  /** @param complete the length of the body, where it is known already */
  head(status: number, fields: Fields, complete: number | undefined): Head;
  /** False: no more of it is wanted. */
  write(chunk: Uint8Array): boolean;
  end(): void;
  /** It broke off. */
  abort(): void;
}

export interface LeadParts {
  readonly request: CacheRequest;
  readonly credentials: Credentials;
  readonly terms: Terms;
  readonly before: Fields;
  readonly name: string;
  readonly fwd: Forwarded;
  /** Shown in `Cache-Status`. */
  readonly shownKey: string | undefined;
  readonly nowMs: () => number;
  /** Where it goes among the variants, or undefined: the response depends on more than its key holds. */
  place(vary: readonly string[]): { readonly vary: readonly string[]; readonly variant: string } | undefined;
  /** What stands in for a failed route. Asked at most once, after `stored` was rejected. */
  standIn(status: number | undefined): Promise<Answer | undefined>;
}

/** One request whose route runs for all who ask for the same meanwhile. */
export class Lead implements Watcher {
  /** The whole response, once it is there; rejects with `NotShared`, `RouteFailed` or `BrokenOff`. */
  readonly stored: Promise<StoredResponse>;
  readonly #parts: LeadParts;
  readonly #resolve: (stored: StoredResponse) => void;
  readonly #reject: (error: Error) => void;
  #finish: ((body: Buffer) => StoredResponse) | undefined;
  #chunks: Buffer[] = [];
  #bytes = 0;
  #announced: number | undefined;

  constructor(parts: LeadParts) {
    this.#parts = parts;
    const { promise, resolve, reject } = Promise.withResolvers<StoredResponse>();
    this.stored = promise;
    this.#resolve = resolve;
    this.#reject = reject;
    promise.catch(() => undefined);
  }

  get before(): Fields {
    return this.#parts.before;
  }

  head(status: number, fields: Fields, complete: number | undefined): Head {
    const { request, credentials, terms, before, nowMs } = this.#parts;
    const verdict = judge(status, fields, { ...credentials, header: request.header }, terms, nowMs());
    if (isFailure(status) && !verdict.storable) {
      this.#reject(new RouteFailed(`The route answered ${status}`));
      return { kind: 'hold', instead: this.#parts.standIn(status), fields: this.#fields(fields, { status }) };
    }
    const notModified = isNotModified(status, fields, request.header);
    if (!verdict.storable) {
      // A 304 would lose the cookie.
      return this.#pass(verdict.because, status, fields, notModified && verdict.because !== 'set-cookie');
    }
    const place = this.#parts.place(verdict.allowance.vary);
    if (place === undefined) return this.#pass('vary', status, fields, notModified);
    const length = complete ?? lengthOf(fields);
    if (length !== undefined && length > terms.maxBodyBytes) {
      return this.#pass('too-large', status, fields, notModified);
    }
    const allowance = { ...verdict.allowance, vary: place.vary };
    const { variant } = place;
    const at = nowMs();
    const copy: Fields = fields.map(([name, value]) => [name, value]);
    this.#announced = lengthOf(fields);
    this.#finish = (body) => toStored({ status, fields: copy, body }, allowance, { before, nowMs: at, variant });
    // Until the length is known nobody can tell whether it will be.
    const stored = length !== undefined;
    const ttlMs = stored ? allowance.freshMs : undefined;
    return {
      kind: 'pass',
      fields: this.#fields(fields, { status, stored, ttlMs }),
      notModified,
      capture: true,
    };
  }

  write(chunk: Uint8Array): boolean {
    if (this.#finish === undefined) return false;
    this.#bytes += chunk.byteLength;
    if (this.#bytes > this.#parts.terms.maxBodyBytes) {
      this.#drop(new NotShared('too-large', this.#parts.credentials));
      return false;
    }
    // A copy: whoever wrote it may use it for the next.
    this.#chunks.push(Buffer.from(chunk));
    return true;
  }

  end(): void {
    const finish = this.#finish;
    if (finish === undefined) return;
    if (this.#announced !== undefined && this.#announced !== this.#bytes) {
      this.abort();
      return;
    }
    const body = Buffer.concat(this.#chunks);
    this.#finish = undefined;
    this.#chunks = [];
    this.#resolve(finish(body));
  }

  abort(): void {
    this.#drop(new BrokenOff('The response broke off'));
  }

  /** The route threw. What to answer in its place, if anything. */
  fail(): Promise<Answer | undefined> {
    this.#reject(new RouteFailed('The route threw'));
    return this.#parts.standIn(undefined);
  }

  #drop(error: Error): void {
    this.#finish = undefined;
    this.#chunks = [];
    this.#reject(error);
  }

  #pass(because: Refusal, status: number, fields: Fields, notModified: boolean): Head {
    this.#drop(new NotShared(because, this.#parts.credentials));
    return {
      kind: 'pass',
      fields: this.#fields(fields, { status, detail: because }),
      notModified,
      capture: false,
    };
  }

  #fields(fields: Fields, more: Pick<CacheStatus, 'ttlMs' | 'detail'> & { status: number; stored?: boolean }): Fields {
    const { name, fwd, shownKey, credentials } = this.#parts;
    const member = serialiseCacheStatus(name, { fwd, key: shownKey, ...more });
    return [['cache-status', addTo(fields, member)], ...personal(fields, credentials)];
  }
}

/** Members of caches nearer to the origin come first (RFC 9211 section 2). */
export function addTo(fields: Fields, member: string): string {
  const others = fieldValue(fields, 'cache-status');
  return others === undefined ? member : `${others}, ${member}`;
}

/** What was made for one user is no other cache's to share, unless the route says so. */
export const personal = (fields: Fields, { identified }: Credentials): Fields =>
  identified && fieldValue(fields, 'cache-control') === undefined ? [['cache-control', 'private']] : [];

const isFailure = (status: number): boolean => status === 500 || (status >= 502 && status <= 504);

function lengthOf(fields: Fields): number | undefined {
  const length = fieldValue(fields, 'content-length');
  return length !== undefined && /^\d+$/.test(length) ? Number(length) : undefined;
}
