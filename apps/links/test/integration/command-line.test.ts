import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { generateUrls, spawnProcess, type TemporaryDirectory, temporaryDirectory, until } from '@spillway/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { COMMAND, type Embedded, spillway, startEmbedded } from '../support/spillway.ts';

let service: Embedded;
let directory: TemporaryDirectory;
let env: Record<string, string>;
const path = (name: string) => join(directory.path, name);

beforeAll(async () => {
  directory = temporaryDirectory({ name: 'command-line' });
  service = await startEmbedded({ TRUSTED_PROXIES: 'loopback', ALLOW_REPLAY_TIME: 'true' });
  env = { SPILLWAY_SERVER: service.url, SPILLWAY_KEY: service.adminKey };
});

afterAll(async () => {
  await service[Symbol.asyncDispose]();
  await directory.close();
});

async function linksTo(prefix: string): Promise<{ url: string; code: string; tags: string[] }[]> {
  const { stdout } = await spillway(['export', '--format', 'ndjson', '--search', prefix], { env });
  return stdout === '' ? [] : stdout.split('\n').map((line) => JSON.parse(line));
}

test('G1: an import that is killed goes on where it was, and makes every link once', async () => {
  const wanted = generateUrls({ seed: 5, count: 1500 }).map((url) => url.replace(/\/\/[^/]+/, '//killed.example'));
  await writeFile(path('killed.txt'), wanted.join('\n'));
  const args = ['import', path('killed.txt'), '--batch', '20', '--concurrency', '3'];
  const state = path('killed.txt.spillway-import');
  await spillway(args, {
    env,
    started: (child) => void until(() => existsSync(state), { everyMs: 2 }).then(() => child.signal('SIGKILL')),
  });
  // A second death, this time by Ctrl-C, which says how to go on.
  const interrupted = await spillway(args, {
    env,
    started: (child) => void until(() => child.stderr.length > 0, { everyMs: 2 }).then(() => child.signal('SIGINT')),
  });
  expect(interrupted.stderr).toMatch(
    /^Going on after \d+ rows that are done\.\nInterrupted after \d+ links\. Run the same/,
  );
  expect(interrupted.code).toBe(130);
  const { length: before } = await linksTo('killed.example');
  const last = await spillway(args, { env });
  expect(last.stderr).toMatch(/^Going on after/);
  const [, now, there] = /^(\d+) links made, (\d+) were there from an earlier run, 0 rows/.exec(last.stdout) ?? [];
  // The service may have made those of a request that was cut a little later.
  expect(Number(there)).toBeGreaterThanOrEqual(before);
  expect(Number(now) + Number(there)).toBe(wanted.length);
  expect(last.code).toBe(0);
  expect(existsSync(state)).toBe(false);
  const made = await linksTo('killed.example');
  expect(made.map(({ url }) => url).sort()).toEqual(wanted.toSorted());
});

test('the same file imported again makes no link twice, unless that is asked for', async () => {
  await writeFile(path('again.txt'), 'https://again.example/1\nhttps://again.example/2\n');
  await spillway(['import', path('again.txt')], { env });
  const second = await spillway(['import', path('again.txt')], { env });
  expect(second.stdout).toMatch(/^0 links made, 2 were there from an earlier run, 0 rows refused, in /);
  expect(second.code).toBe(0);
  expect(await linksTo('again.example')).toHaveLength(2);
  const anew = await spillway(['import', path('again.txt'), '--anew'], { env });
  expect(anew.stdout).toMatch(/^2 links made, 0 rows refused, in /);
  expect(await linksTo('again.example')).toHaveLength(4);
});

test('a file that changed since its import was interrupted is not gone on with', async () => {
  await writeFile(path('changed.txt'), 'https://changed.example/1\nhttps://changed.example/2\n');
  const state = { server: service.url, size: 1, index: 0, digest: 'f'.repeat(64), created: 1, repeated: 0, refused: 0 };
  await writeFile(path('changed.txt.spillway-import'), JSON.stringify(state));
  const ran = await spillway(['import', path('changed.txt'), '--batch', '1'], { env });
  expect(ran.code).toBe(1);
  expect(ran.stderr).toContain('The file has changed since its import was interrupted. Begin anew with --anew.');
  expect(await linksTo('changed.example')).toEqual([]);
});

test('CSV with aliases and tags, gzipped, from standard input; each refused row is named with its line', async () => {
  const csv = [
    'alias,url,tags',
    'csv-one,https://csv.example/1,"red;blue"',
    'csv-one,https://csv.example/2,',
    ',ftp://csv.example/3,',
    'admin,https://csv.example/4,',
    '"broken,https://csv.example/5',
    ',https://csv.example/6,',
  ].join('\n');
  await writeFile(path('rows.csv.gz'), gzipSync(csv));
  const ran = await spillway(['import', path('rows.csv.gz')], { env });
  expect(ran.stdout).toMatch(/^2 links made, 4 rows refused, in /);
  expect(ran.code).toBe(1);
  expect(
    ran.stderr
      .split('\n')
      .map((line) => line.slice(0, 24))
      .sort(),
  ).toEqual([
    'line 3: alias: is taken,',
    'line 4: url: must start ',
    'line 5: alias: is reserv',
    'line 6: is not CSV: a qu',
  ]);
  const piped = await spillway(['import', '-'], { env, input: 'https://csv.example/7\n' });
  expect(piped.stdout).toMatch(/^1 links made, 0 rows refused/);
  const made = await linksTo('csv.example');
  expect(made.map(({ url }) => url)).toEqual([1, 6, 7].map((number) => `https://csv.example/${number}`));
  expect(made[0]).toMatchObject({ code: 'csv-one', tags: ['red', 'blue'] });
});

test('no cell of an export is a formula, codes that begin with "-" included', async () => {
  const row = (alias: string, title: string) =>
    JSON.stringify({ url: 'https://formula.example/', alias, title, tags: [title] });
  const input = [row('-2-3', '=1+1'), row('--a', '\uff1d1+1'), row('_b-', '@SUM(1)')].join('\n');
  expect((await spillway(['import', '-'], { env, input })).stdout).toMatch(/^3 links made/);
  const { stdout } = await spillway(['export', '--search', 'formula.example'], { env });
  const [, ...rows] = stdout.split('\n').map((line) => line.split(','));
  expect(rows.map(([code]) => code)).toEqual(["'-2-3", "'--a", '_b-']);
  for (const cell of rows.flat()) expect(cell).not.toMatch(/^"?[=+\-@\uff1d\uff0b\uff0d\uff20]/);
});

test('what would make wrong links is refused: bytes that are no UTF-8, and a first line that may be a URL or CSV', async () => {
  await writeFile(
    path('latin1.txt'),
    Buffer.from('https://latin1.example/caf\xe9\nhttps://latin1.example/\n', 'latin1'),
  );
  const latin1 = await spillway(['import', path('latin1.txt')], { env });
  expect(latin1.stderr).toMatch(/^line 1: is not UTF-8; convert the file, /);
  expect(latin1.stdout).toMatch(/^1 links made, 1 rows refused/);
  expect((await linksTo('latin1.example')).map(({ url }) => url)).toEqual(['https://latin1.example/']);
  const input = 'https://either.example/p,myalias1,t1;t2\n';
  const either = await spillway(['import', '-'], { env, input });
  expect(either.stderr).toMatch(/^The first line may be a URL with a comma .*--format csv/);
  expect(either.code).toBe(2);
  expect((await spillway(['import', '-', '--format', 'csv'], { env, input })).code).toBe(0);
  expect(await linksTo('either.example')).toMatchObject([
    { url: 'https://either.example/p', code: 'myalias1', tags: ['t1', 't2'] },
  ]);
});

test('what was exported as CSV can be imported, and a reader that goes away ends the export quietly', async () => {
  await spillway(['import', '-'], { env, input: 'https://export.example/a?x=1,2\nhttps://export.example/b\n' });
  const ran = await spillway(['export', '--search', 'export.example', '-o', path('out.csv')], { env });
  expect(ran.stderr).toBe(`2 links written to ${path('out.csv')}.`);
  const [header, first] = (await readFile(path('out.csv'), 'utf8')).split('\n');
  expect(header).toBe(
    'code,shortUrl,url,title,tags,createdAt,expiresAt,maxClicks,clicks,status,domain,onDefaultDomain,usedClicks,hasPassword',
  );
  expect(first).toContain('"https://export.example/a?x=1,2"');
  const own = await spillway(['import', path('out.csv'), '--state', path('out.state')], { env });
  expect(own.stdout).toMatch(/^0 links made, 2 rows refused/);
  await using other = await startEmbedded();
  const otherEnv = { SPILLWAY_SERVER: other.url, SPILLWAY_KEY: other.adminKey };
  const again = await spillway(['import', path('out.csv')], { env: otherEnv });
  expect(again.stdout).toMatch(/^2 links made, 0 rows refused/);
  const codes = (csv: string) =>
    csv
      .trim()
      .split('\n')
      .map((line) => line.split(',', 1)[0]);
  const { stdout: there } = await spillway(['export'], { env: otherEnv });
  expect(codes(there)).toEqual(codes(await readFile(path('out.csv'), 'utf8')));

  const head = spawnProcess({
    command: 'sh',
    args: [
      '-c',
      `"$0" --conditions=spillway-source "$1" export --format ndjson | head -n 1`,
      process.execPath,
      COMMAND,
    ],
    env,
  });
  expect((await head.exited).code).toBe(0);
  expect(head.stdout).toHaveLength(1);
  expect(head.stderr).toEqual([]);
});

test('a link with a password does not become an open one by an export and an import', async () => {
  const call = async (body: object) => {
    const headers = { 'x-api-key': service.adminKey, 'content-type': 'application/json' };
    const init = { method: 'POST', headers, body: JSON.stringify(body) };
    expect((await fetch(`${service.url}/api/v1/links`, init)).status).toBe(201);
  };
  await call({ url: 'https://closed.example/1', alias: 'closed-1', password: 'open sesame' });
  await call({ url: 'https://closed.example/2', alias: 'closed-2' });
  await using other = await startEmbedded();
  const otherEnv = { SPILLWAY_SERVER: other.url, SPILLWAY_KEY: other.adminKey };
  const there = async () => {
    const { stdout } = await spillway(['export', '--format', 'ndjson'], { env: otherEnv });
    return stdout.split('\n').map((line) => {
      const { code, hasPassword } = JSON.parse(line);
      return [code, hasPassword];
    });
  };
  for (const format of ['csv', 'ndjson']) {
    const file = path(`closed.${format}`);
    const out = await spillway(['export', '--format', format, '--search', 'closed.example', '-o', file], { env });
    expect(out.stderr).toContain('1 of 2 links have a password, which an export does not hold');
    const refused = await spillway(['import', file, '--anew'], { env: otherEnv });
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/^line \d: has a password, which an export does not hold; .* --without-passwords/);
    expect(await there()).toEqual([['closed-2', false]]);
  }
  const closed = 'url,alias,hasPassword,password\nhttps://closed.example/1,closed-1,true,open sesame\n';
  expect((await spillway(['import', '-'], { env: otherEnv, input: closed })).code).toBe(0);
  expect(await there()).toEqual([
    ['closed-2', false],
    ['closed-1', true],
  ]);
  const open = 'url,alias,hasPassword\nhttps://closed.example/3,closed-3,true\n';
  expect((await spillway(['import', '-', '--without-passwords'], { env: otherEnv, input: open })).code).toBe(0);
  expect((await there()).at(-1)).toEqual(['closed-3', false]);
});

test('clicks that a link has used are exported; an import says once that it begins with all of them', async () => {
  const limited = ['once', 'twice', 'thrice'].map((alias, at) => `https://limited.example/,${alias},${at + 1}`);
  await spillway(['import', '-'], { env, input: ['url,alias,maxClicks', ...limited].join('\n') });
  for (const alias of ['once', 'twice', 'thrice'])
    expect((await fetch(`${service.url}/${alias}`, { redirect: 'manual' })).status).toBe(302);
  await spillway(['export', '--search', 'limited.example', '-o', path('limited.csv')], { env });
  await using other = await startEmbedded();
  const ran = await spillway(['import', path('limited.csv')], {
    env: { SPILLWAY_SERVER: other.url, SPILLWAY_KEY: other.adminKey },
  });
  expect(ran.stdout).toMatch(/^2 links made, 1 rows refused, in /);
  expect(ran.stderr.split('\n')).toEqual([
    'line 3: had used 1 of its 2 clicks. Links come with all of their maxClicks again; this is said once.',
    expect.stringMatching(/^line 2: has used up its maxClicks, and would lead on again; .*limited\.example/),
  ]);
});

test('an import whose output is no longer read leaves no half-written state, and does not pass for done', async () => {
  // More lines of refusals than a pipe holds, so that it can not end before its reader does.
  const rows = Array.from({ length: 3000 }, (_, at) => `${at % 2 === 0 ? 'https://unread.example/' : 'rubbish-'}${at}`);
  await writeFile(path('unread.txt'), rows.join('\n'));
  const script = '{ "$@" 2>&1; echo "exit code $?" >&3; } 3>&2 | head -n 1';
  const within = ['sh', '-c', script, 'sh'];
  const ran = await spillway(['import', path('unread.txt'), '--batch', '20'], { env, within });
  expect(ran.stdout).toMatch(/^line 2: url: must start with http/);
  expect(ran.stderr).toBe('exit code 1');
  expect(existsSync(path('unread.txt.spillway-import.new'))).toBe(false);
  const last = await spillway(['import', path('unread.txt'), '--batch', '20'], { env });
  const [, made, there] = /^(\d+) links made, (\d+) were there from an earlier run, 1500 rows/.exec(last.stdout) ?? [];
  expect([Number(made) > 0, Number(there) > 0, Number(made) + Number(there)]).toEqual([true, true, 1500]);
});

test('an export onto a full disk ends with one line and exit code 1', async () => {
  await spillway(['import', '-'], { env, input: 'https://full.example/\n' });
  for (const format of ['csv', 'ndjson']) {
    const within = ['sh', '-c', 'exec "$@" > /dev/full', 'sh'];
    const { code, stderr } = await spillway(['export', '--format', format], { env, within });
    expect(stderr).toBe(
      'Standard output can not be written (ENOSPC); free some space where it leads, or lead it elsewhere',
    );
    expect(code).toBe(1);
  }
});

test('a replay names what it can not read or has no link for, and its exit code says so', async () => {
  const line = (ip: string, target: string) =>
    `${ip} - - [17/May/2015:10:05:03 +0000] "GET ${target} HTTP/1.1" 200 1 "-" "curl/8"`;
  const log = [line('192.0.2.1', '/there'), 'rubbish', line('192.0.2.2', '/missing'), line('not-an-ip', '/there')];
  await writeFile(path('small.log'), log.join('\n'));
  await spillway(['import', '-'], { env, input: 'https://replay.example/there\n' });
  const args = ['replay', path('small.log'), '--base', 'https://replay.example'];
  const ran = await spillway(args, { env });
  expect(ran.code).toBe(1);
  expect(ran.stderr.split('\n')).toEqual([
    'line 2: is not in the combined format',
    'line 4: has no client address, but "not-an-ip"',
  ]);
  expect(ran.stdout).toMatch(/^1 requests in .*\n {2}302 +1\n2 lines could not be read; .*\n1 lines have no link;/);
  const created = await spillway([...args, '--create'], { env });
  expect(created.stdout).toMatch(/ {2}302 +2\n1 links were made\./);
});

test('links that were deleted are made again by --create as often as need be; an import names --anew', async () => {
  const log = ['a', 'b'].map(
    (name) => `192.0.2.1 - - [17/May/2015:10:05:03 +0000] "GET /${name} HTTP/1.1" 200 1 "-" "curl/8"`,
  );
  await writeFile(path('deleted.log'), log.join('\n'));
  const deleteLinks = async () => {
    for (const { code } of await linksTo('deleted.example')) {
      const init = { method: 'DELETE', headers: { 'x-api-key': service.adminKey } };
      expect((await fetch(`${service.url}/api/v1/links/${code}`, init)).status).toBe(204);
    }
  };
  const args = ['replay', path('deleted.log'), '--base', 'https://deleted.example', '--create'];
  for (let round = 0; round < 3; round += 1) {
    const ran = await spillway(args, { env });
    expect(ran.stdout).toMatch(/ {2}302 +2\n2 links were made\./);
    expect(ran.code).toBe(0);
    await deleteLinks();
  }

  const input = 'https://deleted.example/\n';
  expect((await spillway(['import', '-'], { env, input })).code).toBe(0);
  await deleteLinks();
  const again = await spillway(['import', '-'], { env, input });
  expect(again.stderr).toMatch(
    /^line 1: was made by an earlier import and has been deleted since; --anew makes it again/,
  );
  expect(again.stdout).toMatch(/^0 links made, 1 rows refused/);
  expect((await spillway(['import', '-', '--anew'], { env, input })).stdout).toMatch(/^1 links made, 0 rows refused/);
});

test('a replay sends control bytes of a log as servers write them, instead of nothing at all', async () => {
  const line = (agent: string, referrer: string) =>
    `192.0.2.1 - - [17/May/2015:10:05:03 +0000] "GET /control HTTP/1.1" 200 1 "${referrer}" "${agent}"\n`;
  await writeFile(path('control.log'), line('a\x02b', '-') + line('a', 'http://r.example/\x7f') + line('a\tb', '-'));
  const args = ['replay', path('control.log'), '--base', 'https://control.example', '--create'];
  const ran = await spillway(args, { env });
  expect(ran.stderr).toBe('');
  expect(ran.stdout).toMatch(/^3 requests in .*\n {2}302 +3\n/);
  expect(ran.code).toBe(0);
});

test.each([
  ['--key', ['keys', 'list', '--key', 'ключ'], {}, 'U+043A'],
  ['SPILLWAY_KEY', ['export'], { SPILLWAY_KEY: 'a-key-from-a-file\r\n' }, 'U+000D'],
])('a key that no header carries is a wrong setting: %s', async (_, args, more, fault) => {
  const ran = await spillway(args, { env: { ...env, ...more } });
  expect(ran.stderr).toMatch(
    /^The key \(--key, SPILLWAY_KEY or ADMIN_KEY\) must be visible ASCII, .* got U\+[0-9A-F]{4} in it/,
  );
  expect(ran.stderr).toContain(`got ${fault} in it`);
  expect(ran.stderr).not.toContain('a-key-from-a-file');
  expect(ran.code).toBe(2);
});

test('a replay does not begin when the service would not believe its times', async () => {
  await using strict = await startEmbedded({ TRUSTED_PROXIES: 'loopback' });
  const own = { SPILLWAY_SERVER: strict.url, SPILLWAY_KEY: strict.adminKey };
  await writeFile(path('one.log'), '192.0.2.1 - - [17/May/2015:10:05:03 +0000] "GET /a HTTP/1.1" 200 1 "-" "-"\n');
  const args = ['replay', path('one.log'), '--base', 'https://replay.example', '--create'];
  const refused = await spillway(args, { env: own });
  expect(refused.code).toBe(1);
  expect(refused.stderr).toMatch(/does not take the times of the log\. Start it with ALLOW_REPLAY_TIME=true/);
  const now = await spillway([...args, '--times', 'now'], { env: own });
  expect(now.stdout).toMatch(/ {2}302 +1$/m);
});

test('a key is made, used, listed and revoked', async () => {
  const made = await spillway(['keys', 'create', 'for tests', '--scopes', 'links:read', '--plan', 'free'], { env });
  expect(made.code).toBe(0);
  const key = { ...env, SPILLWAY_KEY: made.stdout };
  expect((await spillway(['export'], { env: key })).code).toBe(0);
  const refused = await spillway(['import', '-'], { env: key, input: 'https://a.example\n' });
  expect(refused.code).toBe(1);
  expect(refused.stderr).toMatch(/Give a key that may do this with --key or SPILLWAY_KEY/);
  const listed = await spillway(['keys', 'list'], { env });
  const [, id = ''] = /^(key_\w+) +for tests +links:read .* never +free$/m.exec(listed.stdout) ?? [];
  expect((await spillway(['keys', 'revoke', id], { env })).stdout).toBe(`Revoked ${id}.`);
  expect((await spillway(['export'], { env: key })).stderr).toMatch(/refused/);
});

test.each([
  [['impord'], /unknown command 'impord'\n\(Did you mean import\?\)/],
  [['import'], /missing required argument 'file'/],
  [['import', 'x', '--batch', '0'], /--batch must be an integer from 1 to 1000, got "0"/],
  [['import', '-', '--server', 'ftp://x'], /--server must be a URL like/],
  [['export', '--format', 'xml'], /--format must be csv or ndjson, got "xml"/],
  [['replay', 'x'], /required option '--base <url>' not specified/],
  [['replay', 'x', '--base', 'nowhere'], /--base must be a URL like/],
  [['links', '--prot'], /unknown option '--prot'/],
])('wrong arguments are named, without a stack, and end with exit code 2: %j', async (args, message) => {
  const ran = await spillway(args);
  expect(ran.code).toBe(2);
  expect(ran.stderr).toMatch(message);
  expect(ran.stderr).not.toMatch(/^\s+at /m);
});

test('a service that is not there, or is something else, is said in a sentence', async () => {
  const nobody = await spillway(['export'], { env: { SPILLWAY_SERVER: 'http://127.0.0.1:1' } });
  expect(nobody.code).toBe(1);
  expect(nobody.stderr).toMatch(
    /^No service answers at http:\/\/127\.0\.0\.1:1 \(ECONNREFUSED\)\. Start one with "npm start"/,
  );
  const other = createServer((socket) => socket.end('HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\n\r\nno'));
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const address = other.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const wrong = await spillway(['export'], { env: { SPILLWAY_SERVER: `http://127.0.0.1:${port}` } });
  other.close();
  expect(wrong.stderr).toMatch(/refused: status 404\./);
});

test('check-config tells every mistake at once and ends with exit code 2', async () => {
  const wrong = await spillway(['check-config'], { env: { PORT: 'http', WORKERS: '0', TRUSTED_PROXIES: 'me' } });
  expect(wrong.code).toBe(2);
  for (const name of ['PORT', 'WORKERS', 'TRUSTED_PROXIES'])
    expect(wrong.stderr).toMatch(new RegExp(`^ {2}${name}: `, 'm'));
  const more = await spillway(['check-config'], {
    env: {
      TRUSTED_PROXIES: 'nope,10.0.0.1,nope2',
      COUNTRY_DATABASE: '/dev/null',
      HOST: '999.1.1.1',
      DATA_DIR: '/dev/null',
    },
  });
  expect(more.code).toBe(2);
  for (const line of [
    'TRUSTED_PROXIES: must be addresses, .* got "nope"',
    'TRUSTED_PROXIES: must be addresses, .* got "nope2"',
    'COUNTRY_DATABASE: "/dev/null" is not a readable MMDB file .*',
    'HOST: must be a host name or an address, got "999.1.1.1"',
    'DATA_DIR: "/dev/null" can not be written to .*',
  ])
    expect(more.stderr).toMatch(new RegExp(`^ {2}${line}$`, 'm'));
  expect(more.stderr.split('\n')).toHaveLength(6);
  const right = await spillway(['check-config'], {
    env: { DATABASE_URL: 'postgres://me:hidden@db.example/x', SPILLWAY_SECRET: '0123456789abcdef' },
  });
  expect(right.code).toBe(0);
  expect(right.stdout).toContain('PostgreSQL at postgres://me:***@db.example/x');
});

test('every command has its help, with examples', async () => {
  for (const command of [
    'links',
    'worker',
    'migrate',
    'after-restore',
    'check-config',
    'import',
    'export',
    'replay',
    'simulate',
  ]) {
    const { code, stdout } = await spillway([command, '--help']);
    expect(code, command).toBe(0);
    expect(stdout, command).toContain('Examples:\n  ');
  }
});
