import type { IncomingMessage } from 'node:http';

/** RFC 9112 (3.2.2): a whole URL. One with a user name is none of HTTP's. */
const ABSOLUTE = /^https?:\/\/([^/?#@]+)([/?].*)?$/i;
/** RFC 3986 (2.3): percent-encoded or not, these are the same. */
const ENCODED_UNRESERVED = /%(?:2[de]|3\d|4[1-9a-f]|5[\daf]|6[1-9a-f]|7[\dae])/gi;

/**
 * Writes a request's target as most clients write it: as a path, without needless percent-encoding. Says whether it was written
 * otherwise. The host of a whole URL takes the place of the header, as the RFC wants it.
 */
export function toPlainTarget(request: IncomingMessage): boolean {
  const { url = '' } = request;
  if (url.startsWith('/')) return url.includes('%') && rewrite(request, plainPath(url));
  const [, host, rest = ''] = ABSOLUTE.exec(url) ?? [];
  if (host === undefined) return false;
  setHost(request, host);
  return rewrite(request, plainPath(rest.startsWith('/') ? rest : `/${rest}`));
}

function rewrite(request: IncomingMessage, url: string): boolean {
  const changed = url !== request.url;
  request.url = url;
  return changed;
}

function plainPath(target: string): string {
  const query = target.indexOf('?');
  const path = query === -1 ? target : target.slice(0, query);
  const plain = path.replace(ENCODED_UNRESERVED, (octet) => String.fromCharCode(Number.parseInt(octet.slice(1), 16)));
  return query === -1 ? plain : plain + target.slice(query);
}

/** In both forms: redirects read the raw one. */
function setHost({ headers, rawHeaders }: IncomingMessage, host: string): void {
  headers.host = host;
  const at = rawHeaders.findIndex((name, i) => i % 2 === 0 && name.toLowerCase() === 'host');
  if (at === -1) rawHeaders.push('Host', host);
  else rawHeaders[at + 1] = host;
}
