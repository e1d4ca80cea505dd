import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { CliError } from './failure.ts';

export interface Line {
  /** From 1. */
  readonly number: number;
  /** Without its line end. At most `MAX_LINE` characters: what is longer is cut off, and `whole` is false. */
  readonly text: string;
  readonly whole: boolean;
}

export interface Input {
  readonly name: string;
  /** The content, unzipped if it was gzip. To be read once. */
  readonly content: AsyncIterable<Buffer>;
  /** Bytes read so far, as stored, of how many; undefined for standard input. */
  progress(): { readonly read: number; readonly total: number } | undefined;
}

/** A line longer than this is no line of ours; it must not fill the memory. */
export const MAX_LINE = 64 * 1024;

/**
 * Opens a file, or standard input as `-`. Gzip is told by its first two bytes, whatever the name says. `signal` ends the reading,
 * with an error.
 * @throws {CliError} when there is no such file, or it is a directory
 */
export async function openInput(name: string, signal?: AbortSignal): Promise<Input> {
  let total: number | undefined;
  if (name !== '-') {
    const found = await stat(name).catch((cause: NodeJS.ErrnoException) => {
      throw new CliError(`"${name}" can not be read (${cause.code}); give a file, or "-" for standard input`, {
        cause,
      });
    });
    if (found.isDirectory()) throw new CliError(`"${name}" is a directory; give a file, or "-" for standard input`);
    total = found.size;
  }
  let read = 0;
  const counted = async function* (): AsyncGenerator<Buffer> {
    const source = name === '-' ? process.stdin : createReadStream(name, { highWaterMark: 65_536 });
    signal?.addEventListener('abort', () => source.destroy(), { once: true });
    for await (const chunk of source) {
      read += chunk.length;
      yield chunk;
    }
  };
  return {
    name: name === '-' ? 'standard input' : name,
    content: unzipped(counted(), name),
    progress: () => (total === undefined ? undefined : { read, total }),
  };
}

async function* unzipped(chunks: AsyncGenerator<Buffer>, name: string): AsyncGenerator<Buffer> {
  let head: Buffer = Buffer.alloc(0);
  while (head.length < 2) {
    const { value, done } = await chunks.next();
    if (done === true) break;
    head = Buffer.concat([head, value]);
  }
  const all = async function* () {
    if (head.length > 0) yield head;
    yield* chunks;
  };
  if (head[0] !== 0x1f || head[1] !== 0x8b) return yield* all();
  // The callback is for errors, which reach the loop through gunzip as well.
  const content = pipeline(Readable.from(all()), createGunzip(), () => undefined);
  try {
    for await (const chunk of content) yield chunk as Buffer;
  } catch (cause) {
    throw new CliError(`"${name}" is a damaged or incomplete gzip file (${(cause as Error).message})`, { cause });
  }
}

/** Cuts content into lines (LF or CRLF). `latin1` keeps every byte as one character. A byte order mark is dropped. */
export async function* readLines(content: AsyncIterable<Buffer>, encoding: 'utf8' | 'latin1'): AsyncGenerator<Line> {
  const decoder = new TextDecoder();
  const decode = (chunk: Buffer) =>
    encoding === 'utf8' ? decoder.decode(chunk, { stream: true }) : chunk.toString('latin1');
  let number = 0;
  let line = '';
  let whole = true;
  const append = (part: string) => {
    if (line.length + part.length > MAX_LINE) whole = false;
    line = (line + part).slice(0, MAX_LINE);
  };
  const finish = (): Line => {
    number += 1;
    const finished = { number, text: line.endsWith('\r') ? line.slice(0, -1) : line, whole };
    line = '';
    whole = true;
    return finished;
  };
  for await (const chunk of content) {
    const text = decode(chunk);
    let from = 0;
    for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', from)) {
      append(text.slice(from, end));
      from = end + 1;
      yield finish();
    }
    append(text.slice(from));
  }
  append(decoder.decode());
  if (line !== '') yield finish();
}
