import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TemporaryDirectory, temporaryDirectory } from '@spillway/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Batch, encodeBatch } from '../batch.ts';
import { createSpool, openSpool, type Spool } from './spool.ts';

let directory: TemporaryDirectory;
beforeEach(() => {
  directory = temporaryDirectory({ name: 'spool' });
});
afterEach(() => directory.close());

const batch = (seq: number, size = 100): Batch =>
  encodeBatch({ producer: 'p', epoch: 'e', seq }, 1, 0, Buffer.alloc(size, seq % 256));

async function write(spool: Spool, from: number, to: number, size?: number): Promise<void> {
  for (let seq = from; seq <= to; seq += 1)
    expect(await spool.append(batch(seq, size))).toEqual({ outcome: 'written' });
}

async function readAll(spool: Spool, atATime = 10_000): Promise<number[]> {
  const numbers: number[] = [];
  while (spool.unread > 0) numbers.push(...(await spool.read(atATime)).map(({ seq }) => seq));
  return numbers;
}

const files = () => readdirSync(directory.path).sort();
const path = (name: string | undefined) => join(directory.path, name ?? 'none');
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);
const options = { maxBytes: 1024 * 1024, fsync: 'off' } as const;

test('what is appended is read once, in order, also while more is appended', async () => {
  const spool = createSpool(directory.path, options);
  await write(spool, 1, 10);
  expect((await spool.read(300)).map(({ seq }) => seq)).toEqual([1, 2]);
  await write(spool, 11, 12);
  expect(await readAll(spool, 1)).toEqual(range(3, 12));
  expect(spool.unread).toBe(0);
  await spool.close();
});

test('a batch that nothing older waits before need not be read from disk', async () => {
  const spool = createSpool(directory.path, options);
  await write(spool, 1, 1);
  expect(spool.passOver(batch(1))).toBe(true);
  await write(spool, 2, 3);
  expect(spool.passOver(batch(3))).toBe(false);
  expect(await readAll(spool)).toEqual([2, 3]);
  await spool.close();
});

test('files are deleted behind the watermark, and the bound counts what is left', async () => {
  const spool = createSpool(directory.path, { ...options, maxBytes: 8_000 });
  await write(spool, 1, 30, 200);
  const full = spool.bytes;
  expect(files().length).toBeGreaterThan(5);
  await readAll(spool);
  await spool.trim(20);
  expect(spool.bytes).toBeLessThan(full / 2);
  expect(files().reduce((sum, name) => sum + statSync(path(name)).size, 0)).toBe(spool.bytes);
  await spool.empty();
  expect(files()).toEqual([]);
});

test('G7: a full spool refuses, keeps what it has, and takes again once there is room', async () => {
  const spool = createSpool(directory.path, { ...options, maxBytes: 2_000 });
  let seq = 0;
  while ((await spool.append(batch(seq + 1))).outcome === 'written') seq += 1;
  expect(await spool.append(batch(seq + 1))).toEqual({ outcome: 'spool-full', number: 'free' });
  expect(spool.bytes).toBeLessThanOrEqual(2_000);
  expect(await readAll(spool)).toEqual(range(1, seq));
  await spool.trim(seq);
  await write(spool, seq + 1, seq + 2);
  expect(await readAll(spool)).toEqual([seq + 1, seq + 2]);
  await spool.close();
});

test('a spool torn at any byte gives every whole batch before the tear', async () => {
  const spool = createSpool(directory.path, options);
  await write(spool, 1, 3, 20);
  await spool.close();
  const [name] = files();
  const whole = readFileSync(path(name));
  const size = batch(1, 20).frame.length;
  for (let length = 0; length <= whole.length; length += 1) {
    writeFileSync(path(name), whole.subarray(0, length));
    const torn = await openSpool(directory.path);
    expect(await readAll(torn), `torn at ${length}`).toEqual(range(1, Math.floor(length / size)));
    expect(torn.damagedBytes).toBe(length % size);
  }
});

test('a damaged batch costs itself and no other, wherever the damage is', async () => {
  const spool = createSpool(directory.path, options);
  await write(spool, 1, 5, 50);
  await spool.close();
  const [name] = files();
  const whole = readFileSync(path(name));
  const size = batch(1, 50).frame.length;
  for (let at = size; at < 2 * size; at += 1) {
    const damaged = Buffer.from(whole);
    damaged.writeUInt8(damaged.readUInt8(at) ^ 0xff, at);
    writeFileSync(path(name), damaged);
    expect(await readAll(await openSpool(directory.path), 64), `damaged at ${at}`).toEqual([1, 3, 4, 5]);
  }
});

test('files of zeros, as a machine leaves them that lost power, are passed', async () => {
  const spool = createSpool(directory.path, { ...options, maxBytes: 8 * 1024 * 1024 });
  await write(spool, 1, 12, 200_000);
  await spool.close();
  const names = files();
  expect(names.length).toBeGreaterThan(2);
  writeFileSync(path(names[1]), Buffer.alloc(3_000_000));
  const numbers = await readAll(await openSpool(directory.path));
  const lost = range(1, 12).filter((seq) => !numbers.includes(seq));
  expect(numbers.length).toBeGreaterThan(5);
  expect(lost).toEqual(range(lost[0] ?? 0, lost.at(-1) ?? 0));
});

test('a directory that is gone is an outcome, not an exception', async () => {
  const spool = createSpool(join(directory.path, 'absent'), options);
  expect(await spool.append(batch(1))).toMatchObject({ outcome: 'disk-error', number: 'free' });
});

test('each batch is on the device before it counts as written, when asked', async () => {
  const spool = createSpool(directory.path, { ...options, fsync: 'batch' });
  await write(spool, 1, 2);
  expect(await readAll(spool)).toEqual([1, 2]);
  await spool.close();
});
