import { type CacheRequest, variantOf } from './request-key.ts';
import type { Credentials } from './storable.ts';
import type { StoredResponse } from './stored-response.ts';

/** Whether it answers these request fields; always, where it depends on none. */
export const isVariant = ({ vary, variant }: StoredResponse, request: CacheRequest): boolean =>
  vary.length === 0 || variantOf(request, vary) === variant;

/** Sent by somebody whom the key does not hold. */
export const isUnknown = ({ identified, authorization, cookie }: Credentials): boolean =>
  !identified && (authorization || cookie);

export const mayUse = (stored: StoredResponse, { identified, authorization, cookie }: Credentials): boolean =>
  identified || ((!authorization || stored.forAuthorized) && (!cookie || stored.forCookies));

export const markOf = (key: string, credentials: Credentials): string =>
  `${isUnknown(credentials) ? 'unknown' : 'known'} ${key}`;
