import { expect, test } from 'vitest';
import type { CachedLink } from './cached-link.ts';
import { createRedirectHeaders } from './redirect-headers.ts';

const link = (status: number, expiresAtMs = 0): CachedLink => ({
  id: 1,
  url: 'https://example.org/',
  status,
  expiresAtMs,
  access: 'open',
});

const cacheControl = (of: CachedLink): string | undefined => {
  const headers = createRedirectHeaders('here')(of);
  return headers[headers.indexOf('Cache-Control') + 1];
};

test('a temporary redirect is kept by nobody, so that every click is counted', () => {
  for (const status of [302, 307]) expect(cacheControl(link(status))).toBe('private, no-store');
});

test('a permanent redirect is kept for a while by the browser alone, and one that expires not at all', () => {
  for (const status of [301, 308]) {
    expect(cacheControl(link(status))).toBe('private, max-age=300');
    expect(cacheControl(link(status, Date.now() + 60_000))).toBe('private, no-store');
  }
});

test('a link whose visits are decided one by one is kept by nobody, permanent or not', () => {
  for (const access of ['max-clicks', 'password'] as const) {
    for (const status of [301, 308]) expect(cacheControl({ ...link(status), access })).toBe('private, no-store');
  }
});
