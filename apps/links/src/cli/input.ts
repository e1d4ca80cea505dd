import { isUtf8 } from 'node:buffer';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { CliError } from './failure.ts';

export interface Line {
  /** From 1. */
  readonly number: number;
  /** Without its line end. At most `MAX_LINE` characters: what is longer is cut off. */
  readonly text: string;
  /** Why this is not the line as it was meant: too long, or not in the encoding. Undefined when it is. */
  readonly fault: string | undefined;
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

/**
 * Cuts content into lines (LF or CRLF). `latin1` keeps every byte as one character. A byte order mark is dropped. Lines are cut
 * before they are decoded: what is not UTF-8 spoils its own line, and is told from a U+FFFD that somebody wrote.
 */
export async function* readLines(content: AsyncIterable<Buffer>, encoding: 'utf8' | 'latin1'): AsyncGenerator<Line> {
  let number = 0;
  let bytes = '';
  const append = (part: string) => {
    bytes = (bytes + part).slice(0, MAX_BYTES + 1);
  };
  const finish = (): Line => {
    number += 1;
    const start = number === 1 && bytes.startsWith(BYTE_ORDER_MARK) ? BYTE_ORDER_MARK.length : 0;
    const line = toLine(number, bytes.slice(start, bytes.endsWith('\r') ? -1 : undefined), encoding);
    bytes = '';
    return line;
  };
  for await (const chunk of content) {
    const text = chunk.toString('latin1');
    let from = 0;
    for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', from)) {
      append(text.slice(from, end));
      from = end + 1;
      yield finish();
    }
    append(text.slice(from));
  }
  if (bytes !== '') yield finish();
}

/** What `MAX_LINE` characters can have in UTF-8. */
const MAX_BYTES = 4 * MAX_LINE;
const BYTE_ORDER_MARK = '\xef\xbb\xbf';

function toLine(number: number, bytes: string, encoding: 'utf8' | 'latin1'): Line {
  const buffer = encoding === 'utf8' && /[\x80-\xff]/.test(bytes) ? Buffer.from(bytes, 'latin1') : undefined;
  const text = buffer?.toString('utf8') ?? bytes;
  if (text.length > MAX_LINE) return { number, text: text.slice(0, MAX_LINE), fault: 'is longer than 64 KiB' };
  return { number, text, fault: buffer === undefined || isUtf8(buffer) ? undefined : NOT_UTF8 };
}

const NOT_UTF8 = 'is not UTF-8; convert the file, e.g. from Latin-1 with "iconv -f latin1 -t utf-8"';
