import type { IncomingMessage, OutgoingHttpHeader, ServerResponse } from 'node:http';
import type { Fields } from './fields.ts';
import type { Head, Watcher } from './lead.ts';
import { CONDITIONAL, fieldsOf304 } from './preconditions.ts';
import type { CacheRequest } from './request-key.ts';
import type { Answer } from './serve.ts';

type Done = (error?: Error | null) => void;

/** A response that nothing more was heard of for so long after its client has left is given up. */
const ABANDONED_MS = 30_000;

export function requestOf(message: IncomingMessage, target: string, scheme: string): CacheRequest {
  const { headers } = message;
  return {
    method: message.method ?? '',
    scheme,
    host: headers.host ?? '',
    target,
    header(name) {
      const value = Object.hasOwn(headers, name) ? headers[name] : undefined;
      return Array.isArray(value) ? value.join(', ') : value;
    },
  };
}

/** The request's fields as they are now: what a route must not see is taken away from them. */
export function detached(request: CacheRequest): CacheRequest {
  const kept = new Map(
    ['if-none-match', 'if-modified-since', 'range', 'if-range'].map((name) => [name, request.header(name)]),
  );
  return { ...request, header: (name) => (kept.has(name) ? kept.get(name) : request.header(name)) };
}

/** A route that leads answers in full, whatever its client holds. */
export function dropConditions(message: IncomingMessage): void {
  for (const name of CONDITIONAL) delete message.headers[name];
}

export function fieldsOf(headers: Readonly<Record<string, OutgoingHttpHeader | undefined>>): Fields {
  return Object.entries(headers).flatMap(([name, value]) => {
    const key = name.toLowerCase();
    if (Array.isArray(value)) return value.map((one): [string, string] => [key, String(one)]);
    return value === undefined ? [] : [[key, String(value)] as [string, string]];
  });
}

/** Sends what the cache holds, through the response's own methods. */
export function sendNode(response: ServerResponse, answer: Answer): void {
  response.statusCode = answer.status;
  setFields(response, answer.fields);
  if (answer.body === undefined) response.end();
  else response.end(answer.body);
}

function setFields(response: ServerResponse, fields: Fields): void {
  const all = new Map<string, string[]>();
  for (const [name, value] of fields) all.set(name, [...(all.get(name) ?? []), value]);
  for (const [name, values] of all) {
    response.setHeader(name, values.length === 1 ? (values[0] as string) : values);
  }
}

type Original = Pick<ServerResponse, 'writeHead' | 'write' | 'end' | 'flushHeaders'>;
type Held = { readonly chunk: unknown; readonly encoding: BufferEncoding | undefined; readonly done: Done | undefined };

/**
 * Lets a watcher see what is written to a response, and decide over it before its head goes out: pass it on, hold it back for a
 * moment, or send something else in its place.
 */
export function watch(response: ServerResponse, watcher: Watcher): void {
  const original: Original = {
    writeHead: response.writeHead.bind(response),
    write: response.write.bind(response),
    end: response.end.bind(response),
    flushHeaders: response.flushHeaders.bind(response),
  };
  /** `silent`: another answer went out in its place. */
  let state: 'open' | 'held' | 'passing' | 'silent' = 'open';
  let captures = false;
  let ended = false;
  let finalEnd: Held | undefined;
  let owesDrain = false;
  const held: Held[] = [];

  const begin = (complete: number | undefined): Head => {
    // Whoever sets fields at the last moment, a session its cookie, does so in a `writeHead` around this one.
    if (response.writeHead !== writeHead) response.writeHead(response.statusCode);
    const head = watcher.head(response.statusCode, fieldsOf(response.getHeaders()), complete);
    if (head.kind === 'pass') {
      setFields(response, head.fields);
      captures = head.capture;
      state = 'passing';
    } else {
      state = 'held';
      void head.instead.then((answer) => (answer === undefined ? release(head.fields) : replace(answer)));
    }
    return head;
  };

  const release = (fields: Fields): void => {
    if (!response.headersSent) setFields(response, fields);
    state = 'passing';
    for (const { chunk, encoding, done } of held.splice(0)) {
      original.write(chunk as string, encoding as BufferEncoding, done as Done);
    }
    if (finalEnd !== undefined) finish(finalEnd);
    else if (owesDrain) response.emit('drain');
  };

  const replace = (answer: Answer): void => {
    state = 'silent';
    clear();
    response.statusCode = answer.status;
    response.statusMessage = '';
    setFields(response, answer.fields);
    for (const { done } of held.splice(0)) done?.();
    if (answer.body === undefined) original.end();
    else original.end(answer.body);
    finalEnd?.done?.();
    if (finalEnd === undefined && owesDrain) response.emit('drain');
  };

  /** Back to the fields that stood there when the request came. */
  const clear = (): void => {
    for (const name of response.getHeaderNames()) response.removeHeader(name);
    setFields(response, watcher.before);
  };

  const finish = ({ chunk, encoding, done }: Held): void => {
    if (chunk === undefined || chunk === null) original.end(done as () => void);
    else original.end(chunk as string, encoding as BufferEncoding, done as () => void);
  };

  const capture = (chunk: unknown, encoding: BufferEncoding | undefined): void => {
    if (!captures || chunk === undefined || chunk === null) return;
    captures = watcher.write(
      typeof chunk === 'string' ? Buffer.from(chunk, encoding ?? 'utf8') : (chunk as Uint8Array),
    );
  };

  const writeHead = ((status: number, ...rest: unknown[]) => {
    if (state === 'passing' || state === 'silent') {
      return original.writeHead(status, ...(rest as []));
    }
    // Nothing goes out before the body begins anyway.
    response.statusCode = status;
    if (typeof rest[0] === 'string') response.statusMessage = rest.shift() as string;
    applyHeaders(response, rest[0] ?? rest[1]);
    return response;
  }) as ServerResponse['writeHead'];
  response.writeHead = writeHead;

  response.flushHeaders = () => {
    if (state === 'open') begin(undefined);
    if (state === 'passing') original.flushHeaders();
  };

  response.write = ((chunk: unknown, second?: unknown, third?: unknown) => {
    const { encoding, done } = argumentsOf(second, third);
    if (state === 'open') begin(undefined);
    capture(chunk, encoding);
    if (state === 'passing') {
      const flows = original.write(chunk as string, encoding as BufferEncoding, done as Done);
      // Up to the bound a client that reads slowly holds nobody up.
      return captures || flows;
    }
    if (state === 'silent') {
      if (done !== undefined) process.nextTick(done);
      return true;
    }
    held.push({ chunk, encoding, done });
    owesDrain = true;
    return false;
  }) as ServerResponse['write'];

  response.end = ((first?: unknown, second?: unknown, third?: unknown) => {
    const chunk = typeof first === 'function' ? undefined : first;
    const { encoding, done } =
      typeof first === 'function' ? { encoding: undefined, done: first as Done } : argumentsOf(second, third);
    if (ended) return original.end(chunk as string, encoding as BufferEncoding, done as () => void);
    ended = true;
    if (state === 'open') {
      const head = begin(lengthOf(chunk, encoding));
      // The whole is at hand: the client needs none of it, and whoever is to share it gets it here.
      if (head.kind === 'pass' && head.notModified) {
        capture(chunk, encoding);
        if (captures) watcher.end();
        const fields = fieldsOf304(fieldsOf(response.getHeaders()));
        clear();
        response.statusCode = 304;
        response.statusMessage = '';
        setFields(response, [...fields, ...head.fields]);
        state = 'silent';
        return original.end(done as () => void);
      }
    }
    capture(chunk, encoding);
    if (captures) watcher.end();
    if (state === 'held') finalEnd = { chunk, encoding, done };
    else if (state === 'passing') finish({ chunk, encoding, done });
    else if (done !== undefined) process.nextTick(done);
    return response;
  }) as ServerResponse['end'];

  response.once('close', () => {
    if (ended) return;
    // A stream into a response that is gone has been cut; a route that has not answered yet may still do so, for the others.
    if (state !== 'open') watcher.abort();
    else setTimeout(() => ended || watcher.abort(), ABANDONED_MS).unref();
  });
}

function argumentsOf(
  second: unknown,
  third: unknown,
): { encoding: BufferEncoding | undefined; done: Done | undefined } {
  if (typeof second === 'function') return { encoding: undefined, done: second as Done };
  return {
    encoding: (second ?? undefined) as BufferEncoding | undefined,
    done: typeof third === 'function' ? (third as Done) : undefined,
  };
}

function lengthOf(chunk: unknown, encoding: BufferEncoding | undefined): number {
  if (chunk === undefined || chunk === null) return 0;
  return typeof chunk === 'string' ? Buffer.byteLength(chunk, encoding) : (chunk as Uint8Array).byteLength;
}

/** What `writeHead` was given: an object, or an array of names and values in turn or in pairs. */
function applyHeaders(response: ServerResponse, headers: unknown): void {
  if (headers === undefined || headers === null) return;
  if (!Array.isArray(headers)) {
    for (const [name, value] of Object.entries(headers as Record<string, OutgoingHttpHeader | undefined>)) {
      if (value !== undefined) response.setHeader(name, value);
    }
    return;
  }
  const flat: unknown[] = headers.some(Array.isArray) ? headers.flat(1) : headers;
  const all = new Map<string, string[]>();
  for (let at = 0; at + 1 < flat.length; at += 2) {
    const name = String(flat[at]);
    all.set(name, [...(all.get(name) ?? []), ...[flat[at + 1]].flat().map(String)]);
  }
  for (const [name, values] of all) response.setHeader(name, values.length === 1 ? (values[0] as string) : values);
}
