import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Problem } from './problem.ts';

/** Reads bodies: JSON in UTF-8 or nothing. A web page may send plain text anywhere without asking first, so that is not taken. */
export function addJsonParser(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, async (request: FastifyRequest, body: Buffer) => {
    refuseOtherCodings(request.headers);
    return readJson(body);
  });
}

function refuseOtherCodings(headers: IncomingHttpHeaders): void {
  const coding = headers['content-encoding'] ?? 'identity';
  if (!/^\s*identity\s*$/i.test(coding)) {
    const detail = `The body is sent as it is, not encoded as "${coding.slice(0, 100)}"; leave out Content-Encoding`;
    throw new Problem('media-type', { detail, headers: { 'accept-encoding': 'identity' } });
  }
  const charset = /;\s*charset\s*=\s*"?([^";\s]*)/i.exec(headers['content-type'] ?? '')?.[1] ?? 'utf-8';
  if (!/^(?:utf-?8|us-ascii)$/i.test(charset)) {
    throw new Problem('media-type', { detail: `JSON is UTF-8 here, got the charset "${charset.slice(0, 100)}"` });
  }
}

// One for all bodies: it keeps nothing between two of them. It leaves out a byte order mark.
const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Without a reviver or a check for `__proto__`: the schemas refuse what they do not name, that too, and say which it was. */
function readJson(body: Buffer): unknown {
  if (body.length === 0) throw new Problem('malformed-request', { detail: 'The body is empty; send a JSON object' });
  let text: string;
  try {
    text = utf8.decode(body);
  } catch {
    // Otherwise what is no character would be stored as U+FFFD, and nobody told.
    throw new Problem('malformed-request', { detail: 'The body is not UTF-8; save or encode it as UTF-8' });
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    const detail = `The body is not JSON${placeOf(error)}; check it with a JSON parser`;
    throw new Problem('malformed-request', { detail });
  }
}

/** Where the parser stopped, if it tells. Only that: it may repeat some of the body as well, which may be a password. */
function placeOf(error: unknown): string {
  const text = error instanceof Error ? error.message : '';
  if (/^Unexpected end/.test(text)) return ': it ends too early';
  const [, line, column] = / \(line (\d+) column (\d+)\)$/.exec(text) ?? [];
  return line === undefined ? '' : `: line ${line}, column ${column}`;
}
