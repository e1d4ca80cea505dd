import { parseCacheControl } from './cache-control.ts';
import { type Fields, fieldValue, isToken, members } from './fields.ts';

/** What a request tells about who sent it. */
export interface Credentials {
  /** `Authorization`, or another field that names somebody. */
  readonly authorization: boolean;
  readonly cookie: boolean;
  /** The route told who it is, and the key holds it. */
  readonly identified: boolean;
}

/** What the route says where the response does not. */
export interface Terms {
  /** How long a response is fresh that says nothing about it. Undefined: such a response is not stored. */
  readonly ttlMs: number | undefined;
  readonly staleWhileRevalidateMs: number;
  readonly staleIfErrorMs: number;
  /** The longest that anything is kept fresh. */
  readonly keepMs: number;
  readonly maxBodyBytes: number;
}

/** How a response may be used again. */
export interface Allowance {
  readonly freshMs: number;
  readonly staleWhileRevalidateMs: number;
  readonly staleIfErrorMs: number;
  /** How old it was when it came. */
  readonly ageMs: number;
  /** Whether it may answer requests that carry an `Authorization`, or a cookie, that the key does not hold. */
  readonly forAuthorized: boolean;
  readonly forCookies: boolean;
  /** Names of the request fields that it depends on, sorted. */
  readonly vary: readonly string[];
}

/** Why a response is not stored; one word, for `detail` of `Cache-Status`. */
export type Refusal =
  | 'status'
  | 'set-cookie'
  | 'no-store'
  | 'private'
  | 'no-cache'
  | 'vary'
  | 'stream'
  | 'too-large'
  | 'credentials'
  | 'no-freshness';

export type Verdict =
  | { readonly storable: true; readonly allowance: Allowance }
  | { readonly storable: false; readonly because: Refusal };

/** RFC 9110 section 15.1, without 206: statuses that may be stored although the response does not say for how long. */
const HEURISTIC = new Set([200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501]);

const MAX_VARY = 32;

/** Whether a shared cache may store the answer to a GET (RFC 9111 section 3), and what it may then do with it. */
export function judge(
  status: number,
  fields: Fields,
  request: Credentials & { header(name: string): string | undefined },
  terms: Terms,
  nowMs: number,
): Verdict {
  const has = (name: string): boolean => fields.some(([own]) => own === name);
  const refuse = (because: Refusal): Verdict => ({ storable: false, because });
  const control = parseCacheControl(fieldValue(fields, 'cache-control'));

  // 401 and 407 are about the one who asked.
  if (status < 200 || status === 206 || status === 304 || status === 401 || status === 407) return refuse('status');
  if (has('set-cookie') || has('set-cookie2') || has('clear-site-data')) return refuse('set-cookie');
  if (control.has('no-store')) return refuse('no-store');
  // With field names, too: dropping only those fields is allowed, not needed.
  if (control.has('private')) return refuse('private');
  if (control.has('no-cache')) return refuse('no-cache');
  if (!has('cache-control') && /no-cache/i.test(fieldValue(fields, 'pragma') ?? '')) return refuse('no-cache');
  const vary = variesOn(fields, request);
  if (vary === undefined) return refuse('vary');
  if (has('trailer') || /^text\/event-stream\b/i.test(fieldValue(fields, 'content-type') ?? '')) {
    return refuse('stream');
  }
  if (Number(fieldValue(fields, 'content-length') ?? 0) > terms.maxBodyBytes) return refuse('too-large');

  const isPublic = control.has('public') || control.has('s-maxage');
  const forAuthorized = isPublic || control.has('must-revalidate');
  if (!request.identified) {
    if (request.authorization && !forAuthorized) return refuse('credentials');
    if (request.cookie && !isPublic) return refuse('credentials');
  }

  const statedMs = statedFreshness(fields, control, nowMs);
  if (statedMs === undefined && (terms.ttlMs === undefined || !HEURISTIC.has(status))) return refuse('no-freshness');
  const ageMs = statedMs === undefined ? 0 : ageOf(fields, nowMs);
  const freshMs = Math.min(Math.max(0, (statedMs ?? terms.ttlMs ?? 0) - ageMs), terms.keepMs);
  const neverStale = control.has('must-revalidate') || control.has('proxy-revalidate');
  // `s-maxage` forbids stale answers, unless the response itself names the window.
  const usual = neverStale || control.has('s-maxage') ? 0 : 1;
  const windowMs = (name: string, usualMs: number): number => {
    const seconds = control.seconds(name);
    if (neverStale) return 0;
    return seconds === undefined ? usualMs * usual : seconds * 1000;
  };
  const staleWhileRevalidateMs = windowMs('stale-while-revalidate', terms.staleWhileRevalidateMs);
  const staleIfErrorMs = windowMs('stale-if-error', terms.staleIfErrorMs);
  if (freshMs === 0 && staleWhileRevalidateMs === 0 && staleIfErrorMs === 0) return refuse('no-freshness');
  return {
    storable: true,
    allowance: { freshMs, staleWhileRevalidateMs, staleIfErrorMs, ageMs, forAuthorized, forCookies: isPublic, vary },
  };
}

/** Undefined when the response says nothing. */
function statedFreshness(fields: Fields, control: ReturnType<typeof parseCacheControl>, nowMs: number) {
  const seconds = control.seconds('s-maxage') ?? control.seconds('max-age');
  if (seconds !== undefined) return seconds * 1000;
  const expires = fieldValue(fields, 'expires');
  if (expires === undefined) return undefined;
  // What is no date, "0" above all, means: in the past.
  const untilMs = Date.parse(expires);
  return Number.isNaN(untilMs) || !/[a-z]/i.test(expires) ? 0 : Math.max(0, untilMs - dateOf(fields, nowMs));
}

function dateOf(fields: Fields, nowMs: number): number {
  const stated = Date.parse(fieldValue(fields, 'date') ?? '');
  return Number.isNaN(stated) ? nowMs : stated;
}

function ageOf(fields: Fields, nowMs: number): number {
  const apparent = Math.max(0, nowMs - dateOf(fields, nowMs));
  const stated = fieldValue(fields, 'age');
  // Date counts whole seconds: less than one is no age.
  return Math.max(
    apparent < 1000 ? 0 : apparent,
    stated !== undefined && /^\d+$/.test(stated) ? Number(stated) * 1000 : 0,
  );
}

/** Undefined: it varies on what no key can hold. */
function variesOn(
  fields: Fields,
  request: { header(name: string): string | undefined },
): readonly string[] | undefined {
  const names = new Set(members(fieldValue(fields, 'vary') ?? '').map((name) => name.toLowerCase()));
  // These two follow a request field by what they are, said or not.
  if (fieldValue(fields, 'content-encoding') !== undefined) names.add('accept-encoding');
  const origin = fieldValue(fields, 'access-control-allow-origin');
  if (origin !== undefined && origin !== '*' && origin === request.header('origin')) names.add('origin');
  const all = [...names];
  if (all.length > MAX_VARY || !all.every((name) => name !== '*' && isToken(name))) return undefined;
  return all.sort();
}
