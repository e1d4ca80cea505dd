import { expect, test } from 'vitest';
import { collect } from '../../../test/support/collect.ts';
import type { Line } from '../input.ts';
import { toBatches } from './batches.ts';
import { formatOf, type ImportRow, readRows } from './rows.ts';

async function* linesOf(text: string): AsyncGenerator<Line> {
  for (const [index, line] of text.split('\n').entries()) yield { number: index + 1, text: line, whole: true };
}

const rowsOf = (text: string, format: 'lines' | 'csv' | 'auto' = 'auto') => collect(readRows(linesOf(text), format));
const link = (line: number, url: string, more: object = {}) => ({ line, kind: 'link', link: { url, ...more } });

test('one URL a line, commas and all; empty lines are passed over', async () => {
  expect(await rowsOf('https://a.example/?x=1,2\n\n  https://b.example/ ')).toEqual([
    link(1, 'https://a.example/?x=1,2'),
    link(3, 'https://b.example/'),
  ]);
});

test('CSV is told by a first line that names its columns, in any order and among others', async () => {
  const text = 'note,TAGS,url,alias\nx,"a;b,c",https://a.example/,mine\n,,"https://b.example/?a=1,2",';
  expect(await rowsOf(text)).toEqual([
    link(2, 'https://a.example/', { alias: 'mine', tags: ['a', 'b', 'c'] }),
    link(3, 'https://b.example/?a=1,2'),
  ]);
});

test('CSV without such a line has url, alias, tags', async () => {
  expect(await rowsOf('https://a.example/,mine,x;y\nhttps://b.example/', 'csv')).toEqual([
    link(1, 'https://a.example/', { alias: 'mine', tags: ['x', 'y'] }),
    link(2, 'https://b.example/'),
  ]);
});

test('the columns of an export are read: its code is the alias where no other is given', async () => {
  const text = [
    'code,url,title,expiresAt,maxClicks,clicks,status,alias',
    'abc1234,https://a.example/,A title,2099-01-01T00:00:00.000Z,5,3,301,',
    'abc1234,https://b.example/,,,,,,mine',
    'abc1234,https://c.example/,,,many,,,',
  ].join('\n');
  const more = { title: 'A title', expiresAt: '2099-01-01T00:00:00.000Z', maxClicks: 5, status: 301 };
  expect(await rowsOf(text)).toEqual([
    link(2, 'https://a.example/', { alias: 'abc1234', ...more }),
    link(3, 'https://b.example/', { alias: 'mine' }),
    expect.objectContaining({ line: 4, kind: 'broken', fault: 'has a maxClicks that is not a whole number' }),
  ]);
});

test('a broken row of CSV spoils no other', async () => {
  const rows = await rowsOf('url,alias\n"https://a.example/,x\n,only-alias\nhttps://b.example/,y');
  expect(rows.map(({ kind, line }) => [line, kind])).toEqual([
    [2, 'broken'],
    [3, 'broken'],
    [4, 'link'],
  ]);
});

test('the format follows the option, then the name', () => {
  expect(formatOf('auto', 'a.csv.gz')).toBe('csv');
  expect(formatOf('auto', 'a.txt')).toBe('auto');
  expect(formatOf('lines', 'a.csv')).toBe('lines');
  expect(() => formatOf('xml', 'a')).toThrow('--format must be lines, csv or auto, got "xml"');
});

test('the same rows give the same batches, and any change before or in a batch another digest', async () => {
  const some = (changed?: number): ImportRow[] =>
    Array.from({ length: 25 }, (_, at) => ({
      line: at + 1,
      kind: 'link',
      link: { url: `https://a.example/${at === changed ? 'x' : at}` },
    }));
  const batchesOf = (rows: ImportRow[]) =>
    collect(
      toBatches(
        (async function* () {
          yield* rows;
        })(),
        10,
      ),
    );
  const batches = await batchesOf(some());
  expect(batches.map(({ rows }) => rows.length)).toEqual([10, 10, 5]);
  expect(await batchesOf(some())).toEqual(batches);
  const changed = await batchesOf(some(3));
  expect(changed.map(({ digest }, at) => digest === batches[at]?.digest)).toEqual([false, false, false]);
  const later = await batchesOf(some(12));
  expect(later.map(({ digest }, at) => digest === batches[at]?.digest)).toEqual([true, false, false]);
});

test('a batch stays well below the size that the service takes', async () => {
  const rows = async function* (): AsyncGenerator<ImportRow> {
    for (let line = 1; line <= 200; line += 1)
      yield { line, kind: 'link', link: { url: `https://a.example/${'x'.repeat(8000)}` } };
  };
  const sizes = (await collect(toBatches(rows(), 1000))).map(({ rows: some }) => JSON.stringify(some).length);
  expect(sizes.length).toBeGreaterThan(2);
  expect(Math.max(...sizes)).toBeLessThan(600_000);
});
