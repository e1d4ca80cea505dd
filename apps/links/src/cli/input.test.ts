import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { temporaryDirectory } from '@spillway/testkit';
import { expect, test } from 'vitest';
import { collect } from '../../test/support/collect.ts';
import { type Line, MAX_LINE, openInput, readLines } from './input.ts';

async function linesOf(content: string | Buffer, encoding: 'utf8' | 'latin1' = 'utf8'): Promise<Line[]> {
  await using directory = temporaryDirectory();
  const file = join(directory.path, 'input');
  await writeFile(file, content);
  const input = await openInput(file);
  return collect(readLines(input.content, encoding));
}

const texts = (lines: readonly Line[]) => lines.map(({ text }) => text);

test('lines are cut at LF and CRLF, with or without an end, and a byte order mark goes', async () => {
  expect(texts(await linesOf('\ufeffa\r\nb\n\nc'))).toEqual(['a', 'b', '', 'c']);
  expect(texts(await linesOf('a\n'))).toEqual(['a']);
  expect(await linesOf('')).toEqual([]);
});

test('gzip is told by its content, whatever the name', async () => {
  expect(texts(await linesOf(gzipSync('a\nb\n')))).toEqual(['a', 'b']);
  expect(texts(await linesOf('\x1f\n'))).toEqual(['\x1f']);
});

test('a gzip file that is cut off is an error that says so, after the lines before it', async () => {
  const zipped = gzipSync(Array.from({ length: 50_000 }, (_, index) => `line ${index * 7919}`).join('\n'));
  await expect(linesOf(zipped.subarray(0, zipped.length - 100))).rejects.toThrow(/damaged or incomplete gzip file/);
});

test('characters that lie across two reads stay whole, and latin1 keeps every byte', async () => {
  const text = `${'å'.repeat(50_000)}\n${'x'.repeat(40_001)}å`;
  expect(texts(await linesOf(text))).toEqual(text.split('\n'));
  const [line] = await linesOf(Buffer.from([0x61, 0xe5, 0xc3, 0xa5]), 'latin1');
  expect(line?.text).toBe('a\xe5\xc3\xa5');
});

test('a line that is not UTF-8 says so, and spoils no other; U+FFFD that somebody wrote is a character', async () => {
  const lines = await linesOf(
    Buffer.concat([Buffer.from('whole å\n'), Buffer.from('caf\xe9\n', 'latin1'), Buffer.from('lost \ufffd')]),
  );
  expect(lines.map(({ fault }) => fault)).toEqual([
    undefined,
    expect.stringMatching(/^is not UTF-8; .*iconv/),
    undefined,
  ]);
  expect(await linesOf('caf\ufffd')).toEqual([{ number: 1, text: 'caf\ufffd', fault: undefined }]);
  const [longest, longer] = await linesOf(`${'å'.repeat(MAX_LINE)}\r\n${'🙂'.repeat(MAX_LINE)}`);
  expect(longest).toEqual({ number: 1, text: 'å'.repeat(MAX_LINE), fault: undefined });
  expect(longer).toMatchObject({ number: 2, fault: 'is longer than 64 KiB' });
});

test('G7: a line without end does not fill the memory; the lines around it are whole', async () => {
  const lines = await linesOf(`first\n${'x'.repeat(1_000_000)}\nlast\n`);
  expect(lines.map(({ number, text, fault }) => [number, text.length, fault])).toEqual([
    [1, 5, undefined],
    [2, MAX_LINE, 'is longer than 64 KiB'],
    [3, 4, undefined],
  ]);
});

test('a file that is not there, or is a directory, is named with the remedy', async () => {
  await expect(openInput('/nowhere/urls.txt')).rejects.toThrow(/"\/nowhere\/urls.txt" can not be read \(ENOENT\)/);
  await expect(openInput('/')).rejects.toThrow('"/" is a directory; give a file, or "-" for standard input');
});
