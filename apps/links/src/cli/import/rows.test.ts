import { expect, test } from 'vitest';
import { collect } from '../../../test/support/collect.ts';
import type { Line } from '../input.ts';
import { toBatches } from './batches.ts';
import { formatOf, type ImportFormat, readRows } from './rows.ts';
import type { ImportRow, RowRules } from './to-row.ts';

async function* linesOf(text: string): AsyncGenerator<Line> {
  for (const [index, line] of text.split('\n').entries()) yield { number: index + 1, text: line, fault: undefined };
}

const rowsOf = (
  text: string,
  format: ImportFormat | 'auto' = 'auto',
  unknownPasswords: RowRules['unknownPasswords'] = 'refused',
) => collect(readRows(linesOf(text), format, { unknownPasswords }));
const faultsOf = (rows: readonly ImportRow[]) => rows.map((row) => (row.kind === 'broken' ? row.fault : 'none'));
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

test.each([
  'https://a.example/p,myalias1,t1;t2',
  'https://a.example/p,,t1',
  'https://a.example/p,myalias1',
  "https://a.example/p,'-2-3",
  '"https://a.example/?a=1,2",myalias1',
])('a first line that may be a URL or CSV is refused with the remedy, before anything is made: %s', async (first) => {
  const text = `\n${first}\nhttps://b.example/`;
  await expect(rowsOf(text)).rejects.toThrow(
    /may be a URL .* with --format lines or --format csv, or name the columns/,
  );
  expect((await rowsOf(text, 'lines'))[0]).toEqual(link(2, first));
  expect((await rowsOf(text, 'csv')).map(({ kind }) => kind)).toEqual(['link', 'link']);
});

test.each([
  'https://a.example/@48.1,11.5,13z',
  'https://a.example/0,1518,druck-596833,00.html',
  'https://a.example/p;a,b',
])('a first line that only has commas is a URL: %s', async (first) =>
  expect(await rowsOf(first)).toEqual([link(1, first)]),
);

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

test('a code or an alias that an export made plain text is read as it was', async () => {
  expect(
    await rowsOf("code,url,alias\n'-2-3,https://a.example/,\n,https://b.example/,'-a-\n-4-5,https://c.example/,"),
  ).toEqual([
    link(2, 'https://a.example/', { alias: '-2-3' }),
    link(3, 'https://b.example/', { alias: '-a-' }),
    link(4, 'https://c.example/', { alias: '-4-5' }),
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

test('a row whose password is not known is refused, unless it may be made open', async () => {
  const csv =
    'url,hasPassword,password\nhttps://a.example/,true,\nhttps://b.example/,FALSE,\nhttps://c.example/,1, se cret ';
  const rows = await rowsOf(csv);
  expect(rows[0]).toMatchObject({
    kind: 'broken',
    fault: expect.stringContaining('has a password, which an export does'),
  });
  expect(rows.slice(1)).toEqual([
    link(3, 'https://b.example/'),
    link(4, 'https://c.example/', { password: ' se cret ' }),
  ]);
  expect((await rowsOf(csv, 'auto', 'left-out'))[0]).toEqual(link(2, 'https://a.example/'));
  const json = '{"url":"https://a.example/","hasPassword":true}\n{"url":"https://a.example/","hasPassword":"maybe"}';
  expect(faultsOf(await rowsOf(json))).toEqual([
    expect.stringContaining('has a password'),
    'has a hasPassword that is neither true nor false',
  ]);
});

test('an export of a version that did not tell of passwords is refused as a whole, unless its links may be made open', async () => {
  const rows = 'abc1234,http://old.example/abc1234,https://a.example/';
  const old = `code,shortUrl,url\n${rows}`;
  await expect(rowsOf(old)).rejects.toThrow(/does not say which of its links have a password.*--without-passwords/);
  const made = link(2, 'https://a.example/', { alias: 'abc1234' });
  expect(await rowsOf(old, 'auto', 'left-out')).toEqual([made]);
  expect(await rowsOf(`code,shortUrl,url,hasPassword\n${rows},false`)).toEqual([made]);
  expect(await rowsOf(`code,shortUrl,url,password\n${rows},`)).toEqual([made]);
});

test('a line that is refused does not show its password', async () => {
  const rows = await rowsOf(
    'url,password,maxClicks,hasPassword\nhttps://a.example/,secret,x,\nhttps://b.example/,secret,,x',
  );
  expect(rows.map((row) => (row.kind === 'broken' ? row.text : ''))).toEqual([
    'https://a.example/',
    'https://b.example/',
  ]);
});

test('a link that has used up its clicks is refused, and one that has used some is told', async () => {
  const rows = await rowsOf(
    'url,maxClicks,usedClicks\nhttps://a.example/,2,2\nhttps://b.example/,2,1\nhttps://c.example/,2,0',
  );
  expect(faultsOf(rows)).toEqual([expect.stringContaining('has used up its maxClicks'), 'none', 'none']);
  expect(rows.slice(1)).toEqual([
    { ...link(3, 'https://b.example/', { maxClicks: 2 }), usedClicks: 1 },
    link(4, 'https://c.example/', { maxClicks: 2 }),
  ]);
});

test('a domain is kept, unless it was the default one', async () => {
  const csv = 'url,domain,onDefaultDomain\nhttps://a.example/,go.example,false\nhttps://b.example/,old.example,true';
  expect(await rowsOf(csv)).toEqual([
    link(2, 'https://a.example/', { domain: 'go.example' }),
    link(3, 'https://b.example/'),
  ]);
});

test('NDJSON is told by its first line; null is nothing, and what is not known is passed over', async () => {
  const text = [
    '{"code":"abc1234","url":"https://a.example/","title":"\'=x","tags":["a;b"],"expiresAt":null,"status":301,"clicks":7}',
    'rubbish',
    '[1]',
    '{"alias":"mine"}',
    '{"url":"https://b.example/","alias":"mine","code":"abc1235"}',
  ].join('\n');
  const rows = await rowsOf(text);
  expect(rows[0]).toEqual(
    link(1, 'https://a.example/', { alias: 'abc1234', title: "'=x", tags: ['a;b'], status: 301 }),
  );
  expect(faultsOf(rows.slice(1, 4))).toEqual(['is not JSON', 'is no JSON object', 'has no url']);
  expect(rows[4]).toEqual(link(5, 'https://b.example/', { alias: 'mine' }));
});

test('columns with ";" between them are read where the first line names them, and refused where nothing tells', async () => {
  expect(await rowsOf('url;alias;tags\nhttps://a.example/?x=1,2;mine;"a;b"')).toEqual([
    link(2, 'https://a.example/?x=1,2', { alias: 'mine', tags: ['a', 'b'] }),
  ]);
  const unnamed = await rowsOf('https://a.example/q;z\n"https://b.example/q;z"\nhttps://c.example/q', 'csv');
  expect(faultsOf(unnamed)).toEqual([expect.stringContaining('is one column with a ";" in it'), 'none', 'none']);
  expect(await rowsOf('url\nhttps://a.example/q;z')).toEqual([link(2, 'https://a.example/q;z')]);
  expect(await rowsOf('https://a.example/q;z')).toEqual([link(1, 'https://a.example/q;z')]);
});

test('the format follows the option, then the name', () => {
  expect(formatOf('auto', 'a.csv.gz')).toBe('csv');
  expect(formatOf('auto', 'a.txt')).toBe('auto');
  expect(formatOf('auto', 'a.ndjson')).toBe('ndjson');
  expect(formatOf('auto', 'a.jsonl.gz')).toBe('ndjson');
  expect(formatOf('ndjson', 'a.csv')).toBe('ndjson');
  expect(formatOf('lines', 'a.csv')).toBe('lines');
  expect(() => formatOf('xml', 'a')).toThrow('--format must be lines, csv, ndjson or auto, got "xml"');
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

test('a batch has no more passwords than the service hashes in one', async () => {
  const rows = async function* (): AsyncGenerator<ImportRow> {
    for (let line = 1; line <= 120; line += 1)
      yield { line, kind: 'link', link: { url: 'https://a.example/', ...(line > 10 ? { password: 'secret' } : {}) } };
  };
  expect((await collect(toBatches(rows(), 1000))).map(({ rows: some }) => some.length)).toEqual([60, 50, 10]);
});
