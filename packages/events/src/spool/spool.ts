import { type FileHandle, open, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Batch, decodeBatch, FRAME_MARK } from '../batch.ts';
import { segmentFirst, segmentName } from './layout.ts';

export type SpoolDrop = 'spool-full' | 'disk-full' | 'disk-error';

export type Append =
  | { readonly outcome: 'written' }
  /** `number`: whether the batch's seq may name another batch, which it may not once bytes of it might have stayed on the disk. */
  | { readonly outcome: SpoolDrop; readonly number: 'free' | 'burnt'; readonly error?: unknown };

interface Segment {
  readonly first: number;
  readonly path: string;
  /** Bytes of whole batches; what lies behind is torn. */
  bytes: number;
}

export interface SpoolOptions {
  readonly maxBytes: number;
  /** 'batch': each batch is synced to the device before it counts as written. */
  readonly fsync: 'off' | 'batch';
}

const READ_BYTES = 1024 * 1024;

/** The batches of one epoch on disk, in order: appended at the end, read once from the front, deleted behind the watermark. */
export class Spool {
  readonly directory: string;
  readonly #options: SpoolOptions;
  #segments: Segment[];
  #writer: FileHandle | undefined;
  /** Where reading goes on; everything before it was handed out. */
  #readAt: { segment: Segment | undefined; offset: number };
  #unread: number;
  #damagedBytes = 0;

  constructor(directory: string, options: SpoolOptions, segments: Segment[]) {
    this.directory = directory;
    this.#options = options;
    this.#segments = segments;
    this.#readAt = { segment: segments[0], offset: 0 };
    this.#unread = segments.reduce((sum, segment) => sum + segment.bytes, 0);
  }

  /** What is on disk, whole or torn. */
  get bytes(): number {
    return this.#segments.reduce((sum, segment) => sum + segment.bytes, 0);
  }

  /** Bytes that `read` has not handed out. */
  get unread(): number {
    return this.#unread;
  }

  /** Bytes that were skipped since no whole batch could be made of them. */
  get damagedBytes(): number {
    return this.#damagedBytes;
  }

  /** One call at a time. Never rejects: a disk that fails is an outcome. */
  async append(batch: Batch): Promise<Append> {
    const size = batch.frame.length;
    if (this.bytes + size > this.#options.maxBytes) return { outcome: 'spool-full', number: 'free' };
    let segment: Segment;
    try {
      segment = await this.#segmentFor(batch.seq, size);
    } catch (error) {
      return { outcome: dropOf(error), number: 'free', error };
    }
    try {
      await this.#write(segment, batch.frame);
      segment.bytes += size;
      this.#unread += size;
      return { outcome: 'written' };
    } catch (error) {
      return { outcome: dropOf(error), number: await this.#cutBack(segment), error };
    }
  }

  /** Takes the batch that was just appended as read, when everything before it was: it need not be read from disk. */
  passOver(batch: Batch): boolean {
    if (this.#unread !== batch.frame.length) return false;
    const segment = this.#segments.at(-1);
    this.#readAt = { segment, offset: segment?.bytes ?? 0 };
    this.#unread = 0;
    return true;
  }

  /** The next batches, at least one if there is any, until `maxBytes` are reached. Skips what is damaged. */
  async read(maxBytes: number): Promise<Batch[]> {
    for (;;) {
      const { segment, offset } = this.#readAt;
      if (segment === undefined || this.#unread === 0) {
        if (segment === undefined && this.#segments[0] !== undefined) {
          this.#readAt = { segment: this.#segments[0], offset: 0 };
          continue;
        }
        return [];
      }
      if (offset >= segment.bytes) {
        const next = this.#segments[this.#segments.indexOf(segment) + 1];
        if (next === undefined) return [];
        this.#readAt = { segment: next, offset: 0 };
        continue;
      }
      const batches = await this.#readSome(segment, offset, Math.max(1, Math.min(maxBytes, READ_BYTES)));
      if (batches.length > 0) return batches;
    }
  }

  /** Deletes the segments that hold nothing above `watermark`, the one being written excepted. */
  async trim(watermark: number): Promise<void> {
    for (;;) {
      const [oldest, next] = this.#segments;
      if (oldest === undefined || next === undefined || next.first - 1 > watermark) return;
      if (this.#readAt.segment === oldest) {
        this.#unread -= oldest.bytes - this.#readAt.offset;
        this.#readAt = { segment: next, offset: 0 };
      }
      this.#segments.shift();
      await rm(oldest.path, { force: true });
    }
  }

  /** Deletes the segments, the active one too. Only for a spool of which everything is committed. */
  async empty(): Promise<void> {
    await this.close();
    for (const { path } of this.#segments) await rm(path, { force: true });
    this.#segments = [];
    this.#readAt = { segment: undefined, offset: 0 };
    this.#unread = 0;
  }

  async close(): Promise<void> {
    const writer = this.#writer;
    this.#writer = undefined;
    await writer?.close();
  }

  // A spool is cut into about eight files, so that trimming gives room back in time.
  async #segmentFor(seq: number, size: number): Promise<Segment> {
    const current = this.#segments.at(-1);
    const rollAt = Math.min(4 * 1024 * 1024, this.#options.maxBytes / 8);
    if (
      this.#writer !== undefined &&
      current !== undefined &&
      (current.bytes === 0 || current.bytes + size <= rollAt)
    ) {
      return current;
    }
    await this.close();
    const path = join(this.directory, segmentName(seq));
    this.#writer = await open(path, 'w');
    // A number that a failed write left free may be taken again by a segment of the same name.
    if (current?.first === seq && current.bytes === 0) return current;
    const segment: Segment = { first: seq, path, bytes: 0 };
    this.#segments.push(segment);
    return segment;
  }

  async #write(segment: Segment, frame: Uint8Array): Promise<void> {
    for (let done = 0; done < frame.length; ) {
      const { bytesWritten } =
        (await this.#writer?.write(frame, done, frame.length - done, segment.bytes + done)) ?? {};
      if (bytesWritten === undefined || bytesWritten === 0)
        throw new Error(`Nothing could be written to "${segment.path}"`);
      done += bytesWritten;
    }
    if (this.#options.fsync === 'batch') await this.#writer?.datasync();
  }

  async #cutBack(segment: Segment): Promise<'free' | 'burnt'> {
    try {
      await this.#writer?.truncate(segment.bytes);
      return 'free';
    } catch {
      // The bytes may have stayed: never write behind them, and never name another batch like this one.
      await this.close().catch(() => undefined);
      return 'burnt';
    }
  }

  async #readSome(segment: Segment, offset: number, size: number): Promise<Batch[]> {
    const { bytes, whole } = await readRange(segment, offset, size);
    const batches: Batch[] = [];
    let at = 0;
    while (at < bytes.length) {
      const decoded = decodeBatch(bytes, at);
      if (decoded.kind === 'batch') {
        batches.push(decoded.batch);
        at += decoded.batch.frame.length;
        continue;
      }
      if (decoded.kind === 'short' && !whole) {
        // The rest of it lies behind what was read: next time, or at once when nothing else was found.
        if (at > 0) break;
        return this.#readSome(segment, offset, decoded.bytes + 1);
      }
      const next = bytes.indexOf(FRAME_MARK, at + 1);
      const end = next === -1 ? (whole ? bytes.length : Math.max(bytes.length - 3, at + 1)) : next;
      this.#damagedBytes += end - at;
      at = end;
    }
    // A file that ends earlier than it did when it was listed has nothing more to give.
    const passed = bytes.length === 0 ? segment.bytes - offset : at;
    this.#damagedBytes += passed - at;
    this.#readAt = { segment, offset: offset + passed };
    this.#unread -= passed;
    return batches;
  }
}

/** `whole`: the range goes to the segment's end. */
async function readRange(segment: Segment, offset: number, size: number): Promise<{ bytes: Buffer; whole: boolean }> {
  const length = Math.min(size, segment.bytes - offset);
  const file = await open(segment.path, 'r');
  try {
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(length), 0, length, offset);
    return { bytes: buffer.subarray(0, bytesRead), whole: offset + length >= segment.bytes };
  } finally {
    await file.close();
  }
}

const FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

const dropOf = (error: unknown): SpoolDrop =>
  typeof error === 'object' && error !== null && 'code' in error && FULL.has(String(error.code))
    ? 'disk-full'
    : 'disk-error';

export const createSpool = (directory: string, options: SpoolOptions): Spool => new Spool(directory, options, []);

/** The spool that a dead process left in `directory`, to be read and deleted. */
export async function openSpool(directory: string): Promise<Spool> {
  const segments: Segment[] = [];
  for (const name of await readdir(directory)) {
    const first = segmentFirst(name);
    if (first === undefined) continue;
    const path = join(directory, name);
    segments.push({ first, path, bytes: (await stat(path)).size });
  }
  segments.sort((a, b) => a.first - b.first);
  return new Spool(directory, { maxBytes: 0, fsync: 'off' }, segments);
}
