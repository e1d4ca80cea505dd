import { crc32 } from 'node:zlib';

/** Names a batch for ever. An epoch is one opening of a log; seq counts from 1 within it. */
export interface BatchId {
  readonly producer: string;
  readonly epoch: string;
  readonly seq: number;
}

export interface Batch extends BatchId {
  /** How many events it carries. */
  readonly events: number;
  /** When it was made, by the producer's clock, in milliseconds since the Unix epoch. */
  readonly atMs: number;
  /** The encoded events. */
  readonly body: Uint8Array;
  /** All of the above as bytes: the same on disk and in the transport, checksum included. */
  readonly frame: Uint8Array;
}

/** `SPB1`: tells a frame's beginning when a damaged file is searched for the next whole batch. */
export const FRAME_MARK = Buffer.from('SPB1', 'latin1');

// mark 4 | crc32 of all that follows 4 | length of the frame 4 | events 4 | seq 8 | at 8 | lengths of producer and epoch 2 + 2
const HEAD = 36;

/** Bytes beyond this are no frame: a damaged length must not make a reader wait for, or allocate, gigabytes. */
export const MAX_FRAME_BYTES = 64 * 1024 * 1024;

export function encodeBatch(id: BatchId, events: number, atMs: number, body: Uint8Array): Batch {
  const producer = Buffer.from(id.producer);
  const epoch = Buffer.from(id.epoch);
  const frame = Buffer.allocUnsafe(HEAD + producer.length + epoch.length + body.length);
  FRAME_MARK.copy(frame, 0);
  frame.writeUInt32LE(frame.length, 8);
  frame.writeUInt32LE(events, 12);
  frame.writeBigUInt64LE(BigInt(id.seq), 16);
  frame.writeDoubleLE(atMs, 24);
  frame.writeUInt16LE(producer.length, 32);
  frame.writeUInt16LE(epoch.length, 34);
  frame.set(producer, HEAD);
  frame.set(epoch, HEAD + producer.length);
  frame.set(body, HEAD + producer.length + epoch.length);
  frame.writeUInt32LE(crc32(frame.subarray(8)), 4);
  return { ...id, events, atMs, body, frame };
}

export type Decoded =
  | { readonly kind: 'batch'; readonly batch: Batch }
  /** More bytes are needed: the frame would be `bytes` long. */
  | { readonly kind: 'short'; readonly bytes: number }
  | { readonly kind: 'damaged' };

/** Reads the frame that begins at `at`. The batch's bytes are views of `bytes`. Never throws, whatever it is given. */
export function decodeBatch(bytes: Uint8Array, at = 0): Decoded {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset + at, bytes.byteLength - at);
  if (buffer.length < HEAD) return isPrefix(buffer) ? { kind: 'short', bytes: HEAD } : { kind: 'damaged' };
  const length = buffer.readUInt32LE(8);
  if (!isPrefix(buffer) || length < HEAD || length > MAX_FRAME_BYTES) return { kind: 'damaged' };
  if (buffer.length < length) return { kind: 'short', bytes: length };
  const frame = buffer.subarray(0, length);
  if (crc32(frame.subarray(8)) !== frame.readUInt32LE(4)) return { kind: 'damaged' };
  const producerEnd = HEAD + frame.readUInt16LE(32);
  const epochEnd = producerEnd + frame.readUInt16LE(34);
  if (epochEnd > length) return { kind: 'damaged' };
  const batch = {
    producer: frame.toString('utf8', HEAD, producerEnd),
    epoch: frame.toString('utf8', producerEnd, epochEnd),
    seq: Number(frame.readBigUInt64LE(16)),
    events: frame.readUInt32LE(12),
    atMs: frame.readDoubleLE(24),
    body: frame.subarray(epochEnd),
    frame,
  };
  return { kind: 'batch', batch };
}

const isPrefix = (bytes: Buffer): boolean =>
  bytes.subarray(0, 4).equals(FRAME_MARK.subarray(0, Math.min(4, bytes.length)));
