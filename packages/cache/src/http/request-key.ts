import { hash } from 'node:crypto';

/** What the cache has to know of a request, whatever the framework. */
export interface CacheRequest {
  readonly method: string;
  /** `http` or `https`. */
  readonly scheme: string;
  /** As in `Host`. */
  readonly host: string;
  /** Path and query as they came, not decoded. */
  readonly target: string;
  /** All values of a field, joined; the name in lower case. */
  header(name: string): string | undefined;
}

/** Longer targets are not looked up: sorting one would cost more than the route. */
const MAX_TARGET = 16_384;
const MAX_HOST = 512;

/** A digest, so that keys are short; what it is made of is JSON, so that no two things are written alike. */
export const digest = (parts: unknown): string => hash('sha256', JSON.stringify(parts), 'base64url');

/** The resource that a request asks for: scheme, host, path and query. Undefined: not one to be kept. */
export function resourceOf({ scheme, host, target }: CacheRequest): readonly unknown[] | undefined {
  if (target.length > MAX_TARGET || host.length > MAX_HOST || !target.startsWith('/')) return undefined;
  const at = target.indexOf('?');
  if (at === -1) return [scheme, host.toLowerCase(), target];
  return [scheme, host.toLowerCase(), target.slice(0, at), normaliseQuery(target.slice(at + 1))];
}

/**
 * The pairs of a query, those of different names in one order. Whatever may mean the same name (`a`, `%61`, `a[]`, `a.b`) keeps its
 * own order: to many parsers the last one wins, or they make one list.
 */
export function normaliseQuery(query: string): readonly string[] {
  const pairs = query.split('&').map((pair) => ({ pair, name: baseName(pair.split('=', 1)[0] ?? '') }));
  pairs.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  return pairs.map(({ pair }) => pair);
}

function baseName(name: string): string {
  try {
    return decodeURIComponent(name.replaceAll('+', ' ')).split(/[[.]/, 1)[0]?.toLowerCase() ?? '';
  } catch {
    // Parsers turn such names into each other.
    return '';
  }
}

/**
 * What `purge({ path })` means: one name for every way to write a path. Broader than a router is (case, a slash at the end), since a
 * spelling that a purge misses would stay.
 */
export function pathUnit(target: string): string {
  const [path = ''] = target.split(/[?#]/, 1);
  const bytes = Buffer.from(path, 'utf8').toString('latin1');
  const decoded = bytes.replace(/%([0-9a-f]{2})/gi, (_all, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  const plain = decoded.replaceAll('\\', '/').replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  return `path ${plain.replace(/\/+/g, '/').replace(/\/$/, '')}`;
}

export const keyUnit = (key: string): string => `key ${key}`;

/** The named fields of a request, and which these are: part of the key of a response that varies on them. */
export function variantOf(request: CacheRequest, names: readonly string[]): string {
  return digest(
    names.map((name) => [
      name,
      request
        .header(name)
        ?.trim()
        .replace(/\s*,\s*/g, ',') ?? null,
    ]),
  );
}
