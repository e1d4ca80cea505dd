export interface Response {
  readonly status: number;
  /** From the status line to the empty line. */
  readonly head: string;
  readonly keepAlive: boolean;
}

export interface ResponseReader {
  /** Takes bytes; returns the response when it is complete. @throws {Error} when this is not HTTP/1.1 */
  push(bytes: Buffer): Response | undefined;
  /** The connection ended: a response without a length is complete then. */
  end(): Response | undefined;
  reset(method: string): void;
  /** Whether anything of a response has come. */
  readonly started: boolean;
}

/** Reads one HTTP/1.1 response at a time, and throws its body away. Made for speed with small responses in one piece. */
export function createResponseReader(): ResponseReader {
  let method = 'GET';
  let kept: Buffer | undefined;
  let head: string | undefined;
  let status = 0;
  let bodyStart = 0;
  let length: number | 'chunked' | 'to the end' = 0;

  const done = (): Response => {
    const response = {
      status,
      head: head ?? '',
      keepAlive: length !== 'to the end' && !/\nconnection: *close/i.test(head ?? ''),
    };
    kept = undefined;
    head = undefined;
    return response;
  };

  const readHead = (buffer: Buffer): boolean => {
    const end = buffer.indexOf('\r\n\r\n');
    if (end < 0) {
      if (buffer.length > 65_536) throw new Error('A response head of over 64 kB');
      return false;
    }
    const text = buffer.toString('latin1', 0, end);
    const match = /^HTTP\/1\.[01] (\d{3})/.exec(text);
    if (match === null) throw new Error(`Not an HTTP/1.1 response: ${JSON.stringify(text.slice(0, 60))}`);
    status = Number(match[1]);
    head = text;
    bodyStart = end + 4;
    length = bodyLength(text);
    return true;
  };

  const bodyLength = (text: string): typeof length => {
    if (method === 'HEAD' || status === 204 || status === 304) return 0;
    const declared = /\ncontent-length: *(\d+)/i.exec(text);
    if (declared !== null) return Number(declared[1]);
    return /\ntransfer-encoding: *chunked/i.test(text) ? 'chunked' : 'to the end';
  };

  const complete = (buffer: Buffer): boolean => {
    if (length === 'to the end') return false;
    if (length === 'chunked') return chunksEnd(buffer, bodyStart);
    return buffer.length >= bodyStart + length;
  };

  return {
    push(bytes) {
      let buffer = kept === undefined ? bytes : Buffer.concat([kept, bytes]);
      for (;;) {
        if (head === undefined && !readHead(buffer)) break;
        if (status >= 200) {
          if (complete(buffer)) return done();
          break;
        }
        // 100 Continue and 103 Early Hints come before the response proper.
        buffer = buffer.subarray(bodyStart);
        head = undefined;
      }
      // The bytes lie in the socket's own buffer, which the next read overwrites.
      kept = buffer === bytes || kept === undefined ? Buffer.from(buffer) : buffer;
      return undefined;
    },
    end: () => (head !== undefined && length === 'to the end' ? done() : undefined),
    reset(next) {
      method = next;
      kept = undefined;
      head = undefined;
    },
    get started() {
      return kept !== undefined;
    },
  };
}

/** Whether the chunks from `at` on are all there, with the last, empty one and its trailers. */
function chunksEnd(buffer: Buffer, at: number): boolean {
  let from = at;
  for (;;) {
    const lineEnd = buffer.indexOf('\r\n', from);
    if (lineEnd < 0) return false;
    const size = Number.parseInt(buffer.toString('latin1', from, lineEnd), 16);
    if (!Number.isInteger(size)) throw new Error('A chunk without a size');
    if (size === 0) return buffer.indexOf('\r\n\r\n', lineEnd) >= 0;
    from = lineEnd + 2 + size + 2;
    if (from > buffer.length) return false;
  }
}
