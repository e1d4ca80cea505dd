import { expect, test } from 'vitest';
import { decodeBatch, encodeBatch, MAX_FRAME_BYTES } from './batch.ts';

const batch = encodeBatch(
  { producer: 'wéb:1', epoch: 'e-1', seq: 2 ** 40 + 7 },
  3,
  1_700_000_000_123,
  Buffer.from('[1,2,3]'),
);

test('a batch comes back from its bytes as it was', () => {
  const decoded = decodeBatch(batch.frame);
  expect(decoded).toMatchObject({
    kind: 'batch',
    batch: { producer: 'wéb:1', epoch: 'e-1', seq: 2 ** 40 + 7, events: 3, atMs: 1_700_000_000_123 },
  });
  expect(decoded.kind === 'batch' && Buffer.from(decoded.batch.body).toString()).toBe('[1,2,3]');
});

test('no flipped bit goes unnoticed', () => {
  for (let bit = 0; bit < batch.frame.length * 8; bit += 1) {
    const damaged = Buffer.from(batch.frame);
    damaged.writeUInt8(damaged.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
    expect(decodeBatch(damaged).kind, `bit ${bit}`).not.toBe('batch');
  }
});

test('a beginning says how long the whole would be, at every cut', () => {
  for (let length = 0; length < batch.frame.length; length += 1) {
    const decoded = decodeBatch(batch.frame.subarray(0, length));
    expect(decoded.kind, `cut at ${length}`).toBe('short');
    expect(decoded.kind === 'short' && decoded.bytes > length && decoded.bytes <= batch.frame.length).toBe(true);
  }
});

test('what is no frame is damaged, be it empty of sense or absurdly long', () => {
  expect(decodeBatch(Buffer.from('GET / HTTP/1.1\r\nHost: somewhere.example\r\n\r\n')).kind).toBe('damaged');
  expect(decodeBatch(Buffer.from('no')).kind).toBe('damaged');
  const long = Buffer.from(batch.frame);
  long.writeUInt32LE(MAX_FRAME_BYTES + 1, 8);
  expect(decodeBatch(long).kind).toBe('damaged');
});
