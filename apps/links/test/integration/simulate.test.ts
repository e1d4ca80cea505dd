import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { accessLog, dataFile, type LogEntry, spawnProcess, temporaryDirectory, until } from '@spillway/testkit';
import { expect, test } from 'vitest';
import { COMMAND, spillway } from '../support/spillway.ts';

interface Report {
  readonly requests: number;
  readonly clients: number;
  readonly policies: readonly {
    readonly policy: string;
    readonly limited: number;
    readonly clientsLimited: number;
    readonly worstClients: readonly { readonly client: string; readonly limited: number; readonly first: string }[];
  }[];
  readonly suggestion?: { readonly policy: string; readonly clientsLimited: number; readonly nobodyLimited: string };
  readonly lines: { readonly read: number; readonly filtered: number; readonly unreadable: number };
}

async function simulated(args: readonly string[]): Promise<Report> {
  const { code, stdout, stderr } = await spillway(['simulate', ...args, '--json']);
  expect(stderr).toBe('');
  expect(code).toBe(0);
  return JSON.parse(stdout);
}

/** The shared log, or one of its shape. */
async function realLog(directory: string): Promise<{ file: string; entries: LogEntry[] }> {
  const entries = await accessLog();
  const file = dataFile('access.log.gz') ?? join(directory, 'access.log');
  if (!file.endsWith('.gz')) await writeFile(file, entries.map(({ line }) => `${line}\n`).join(''));
  return { file, entries };
}

/** Requests of the client that makes most of them in one minute of the clock. */
const busiestMinute = (entries: readonly LogEntry[]): number =>
  Math.max(
    ...[...Map.groupBy(entries, ({ ip, atMs }) => `${ip} ${Math.floor(atMs / 60_000)}`)].map(([, all]) => all.length),
  );

/** Refusals of a window counter per clock minute and client, and of a bucket kept as the list of what it admitted. */
function plainLimits(entries: readonly LogEntry[], rules: { readonly perMinute: number; readonly bucket: number }) {
  const windows = new Map<string, number>();
  for (const { ip, atMs } of entries) {
    const minute = `${ip} ${Math.floor(atMs / 60_000)}`;
    windows.set(minute, (windows.get(minute) ?? 0) + 1);
  }
  const over = [...windows].filter(([, count]) => count > rules.perMinute);
  const bucketRefused = new Map<string, number>();
  for (const [ip, lines] of Map.groupBy(entries, ({ ip }) => ip)) {
    const admitted: number[] = [];
    for (const { atMs } of lines.toSorted((a, b) => a.atMs - b.atMs)) {
      // Room for one more in every stretch that ends now: at most bucket * (1 + minutes) within each.
      const fits = admitted.every(
        (from, at) => (admitted.length - at + 1) * 60_000 <= rules.bucket * (60_000 + atMs - from),
      );
      if (fits) admitted.push(atMs);
      else bucketRefused.set(ip, (bucketRefused.get(ip) ?? 0) + 1);
    }
  }
  return {
    windowLimited: over.reduce((sum, [, count]) => sum + count - rules.perMinute, 0),
    windowClients: new Set(over.map(([minute]) => minute.split(' ')[0])).size,
    bucketRefused,
  };
}

test('a real access log is limited as a plain count over it says, and a suggested limit is the smallest', async () => {
  await using directory = temporaryDirectory({ name: 'simulate' });
  const { file, entries } = await realLog(directory.path);
  const policies = join(directory.path, 'policies.json');
  // Limits that somebody meets, whichever log it is.
  const perMinute = Math.ceil(busiestMinute(entries) / 3);
  await writeFile(
    policies,
    JSON.stringify([{ strategy: 'fixed-window', name: 'window', limit: perMinute, window: '1m' }]),
  );
  const args = [file, '--policy', `${perMinute}/m`, '--policies', policies, '--suggest', '0.3', '--reorder', '1h'];
  const report = await simulated(args);
  const truth = plainLimits(entries, { perMinute, bucket: perMinute });
  const sum = (counts: Iterable<number>) => [...counts].reduce((total, count) => total + count, 0);
  expect(report.requests).toBe(entries.length);
  expect(report.clients).toBe(new Set(entries.map(({ ip }) => ip)).size);
  const [bucket, window] = report.policies;
  expect(window).toMatchObject({ policy: 'window', limited: truth.windowLimited, clientsLimited: truth.windowClients });
  expect(bucket).toMatchObject({
    policy: `${perMinute}/m`,
    limited: sum(truth.bucketRefused.values()),
    clientsLimited: truth.bucketRefused.size,
  });
  for (const { client, limited } of bucket?.worstClients ?? []) expect(truth.bucketRefused.get(client)).toBe(limited);
  expect(bucket?.limited).toBeGreaterThan(0);

  const { suggestion } = report;
  const limit = Number.parseInt(suggestion?.policy ?? '', 10);
  const most = Math.floor((report.clients * 0.3) / 100);
  expect(suggestion?.clientsLimited).toBe(plainLimits(entries, { perMinute: 1, bucket: limit }).bucketRefused.size);
  expect(suggestion?.clientsLimited).toBeLessThanOrEqual(most);
  if (limit > 1)
    expect(plainLimits(entries, { perMinute: 1, bucket: limit - 1 }).bucketRefused.size).toBeGreaterThan(most);
  const nobody = Number.parseInt(suggestion?.nobodyLimited ?? '', 10);
  expect(plainLimits(entries, { perMinute: 1, bucket: nobody }).bucketRefused.size).toBe(0);
  expect(plainLimits(entries, { perMinute: 1, bucket: nobody - 1 }).bucketRefused.size).toBeGreaterThan(0);
});

test('the picture of the guide is what the command draws', async ({ skip }) => {
  const log = dataFile('access.log.gz');
  if (log === undefined) return skip('the shared access log is not here');
  await using directory = temporaryDirectory({ name: 'simulate-guide' });
  const guide = join(import.meta.dirname, '../../../../docs/1.guide');
  const page = await readFile(join(guide, 'what-limit.md'), 'utf8');
  const command = /^npx spillway simulate access\.log\.gz (.* --svg .*)$/m.exec(page)?.[1] ?? '';
  const args = [...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? '');
  const drawn = join(directory.path, 'drawn.svg');
  const ran = await spillway(['simulate', log, ...args.slice(0, -1), drawn]);
  expect(await readFile(drawn, 'utf8')).toBe(await readFile(join(guide, args.at(-1) ?? ''), 'utf8'));
  expect(page).toContain(ran.stdout);
});

const line = (
  second: number,
  over: { ip?: string; path?: string; status?: number; method?: string; agent?: string },
) => {
  const { ip = '192.0.2.1', path = '/', status = 200, method = 'GET', agent = 'curl/8' } = over;
  const time = `17/May/2015:10:05:${String(second).padStart(2, '0')} +0000`;
  return `${ip} - - [${time}] "${method} ${path} HTTP/1.1" ${status} 1 "-" "${agent}"`;
};

test('lines that are no requests are named, the first few, and the rest is simulated; gzip and standard input are read', async () => {
  await using directory = temporaryDirectory({ name: 'simulate' });
  const file = join(directory.path, 'small.log.gz');
  const log = [
    line(0, {}),
    ...Array.from({ length: 6 }, () => 'rubbish'),
    line(1, {}),
    line(2, { ip: '2001:db8::1' }),
    line(3, { ip: '2001:db8::2' }),
    '',
  ].join('\n');
  await writeFile(file, gzipSync(log));
  const ran = await spillway(['simulate', file, '--policy', '1/h']);
  expect(ran.code).toBe(0);
  expect(ran.stderr.split('\n')).toEqual([
    ...[2, 3, 4, 5, 6].map((number) => `line ${number}: is not in the combined format; it is left out`),
    'More lines are left out; the report says how many.',
  ]);
  expect(ran.stdout).toContain('4 requests, 2 clients, from 2015-05-17T10:05:00Z to 2015-05-17T10:05:03Z.');
  expect(ran.stdout).toContain('6 lines are no requests in the combined format.');
  expect(ran.stdout).toMatch(/^1\/h +2 +50\.00 % +2 +100\.00 % +60\.0 min +2015-05-17T10:05:00Z \(2 limited\)$/m);
  expect(ran.stdout).toMatch(/^2001:db8:0:0\/64 +1 +2015-05-17T10:05:03Z +2015-05-17T10:05:03Z +60\.0 min$/m);
  const piped = await spillway(['simulate', '-', '--policy', '1/h'], { input: log });
  expect(piped.stdout).toBe(ran.stdout);
});

test('requests are counted by path or user agent, and only those asked for; a log can not steer the terminal', async () => {
  await using directory = temporaryDirectory({ name: 'simulate' });
  const file = join(directory.path, 'small.log');
  const log = [
    line(0, { path: '/a?1', agent: 'x\u001b[31m' }),
    line(1, { path: '/a?2', agent: 'x\u001b[31m', status: 404 }),
    line(2, { path: '/b', method: 'POST', status: 503 }),
    line(3, { path: '/a' }),
  ];
  await writeFile(file, log.join('\n'));
  const limited = async (...args: string[]) => {
    const { requests, clients, policies } = await simulated([file, '--policy', '1/h', ...args]);
    return [requests, clients, policies[0]?.limited];
  };
  expect(await limited('--by', 'path')).toEqual([4, 2, 2]);
  expect(await limited('--by', 'user-agent')).toEqual([4, 2, 2]);
  expect(await limited('--method', 'get')).toEqual([3, 1, 2]);
  expect(await limited('--only-status', '200,5xx')).toEqual([3, 1, 2]);
  const { stdout } = await spillway(['simulate', file, '--policy', '1/h', '--by', 'user-agent']);
  expect(stdout).toContain('x\\u{1b}[31m');
  expect(stdout).not.toContain('\u001b');
});

test('requests are put in order, and in the order of the log a clock that goes back limits more', async () => {
  await using directory = temporaryDirectory({ name: 'simulate' });
  const file = join(directory.path, 'small.log');
  await writeFile(file, [40, 10, 20, 0].map((second) => line(second, {})).join('\n'));
  const inOrder = await spillway(['simulate', file, '--policy', '6/m burst 1']);
  expect(inOrder.stdout).toContain('3 of them stand behind later ones in the log, and were put in order.');
  expect(inOrder.stdout).toMatch(/^6\/m burst 1 +0 /m);
  const asItStands = await spillway(['simulate', file, '--policy', '6/m burst 1', '--reorder', '0s']);
  expect(asItStands.stdout).toContain('3 too late to be put in order');
  expect(asItStands.stdout).toMatch(/^6\/m burst 1 +3 /m);
});

test('Ctrl-C ends it with a word', async () => {
  const child = spawnProcess({
    name: 'spillway simulate',
    module: COMMAND,
    args: ['simulate', '-', '--policy', '1/s'],
    env: {},
  });
  child.write('rubbish\n');
  await until(() => child.stderr.length > 0, { everyMs: 5 });
  child.signal('SIGINT');
  const { code } = await child.exited;
  expect(child.stderr.at(-1)).toBe('Interrupted after 1 lines.');
  expect(code).toBe(130);
});

test.each([
  [[], 2, /give a limit with --policy '50\/m burst 10' or --policies FILE, or let one be found with --suggest/],
  [['--policy', 'lots'], 2, /--policy must be like "100\/s", "100\/s burst 500"/],
  [['--policies', 'nowhere.json'], 2, /"nowhere\.json" can not be read \(ENOENT\)/],
  [['--policy', '1/s', '--by', 'cookie'], 2, /--by must be one of ip, path, user-agent, got "cookie"/],
  [['--policy', '1/s', '--method', 'GET;POST'], 2, /--method must be like GET,POST/],
  [['--policy', '1/s', '--only-status', 'ok'], 2, /--only-status must be like 200,404,5xx/],
  [['--policy', '1/s', '--reorder', '2d'], 2, /--reorder must be a duration from 0s to 1h/],
  [['--suggest', '100'], 2, /--suggest must be a percentage/],
  [['--suggest', '--svg', 'x.svg'], 2, /--svg draws what policies do/],
  [['--policy', '1/s', '--svg', '/nowhere/x.svg'], 1, /"\/nowhere\/x\.svg" can not be written \(ENOENT\)/],
  [['--policy', '1/s', '--method', 'PUT'], 1, /No request of "standard input" is one to count/],
])('what is wrong with %j is said, without a stack', async (args, code, message) => {
  const ran = await spillway(['simulate', '-', ...args], { input: `${line(0, {})}\n` });
  expect(ran.stderr).toMatch(message);
  expect(ran.stderr).not.toMatch(/^\s+at /m);
  expect(ran.code).toBe(code);
});

test('a file that is no access log at all says so', async () => {
  const ran = await spillway(['simulate', '-', '--policy', '1/s'], { input: '{"json":"log"}\n' });
  expect(ran.code).toBe(1);
  expect(ran.stderr).toMatch(
    /^No line of "standard input" is a request in the combined format, e\.g\. 192\.0\.2\.1 - - /m,
  );
  const empty = await spillway(['simulate', '-', '--policy', '1/s'], { input: '' });
  expect(empty.stderr).toBe('"standard input" is empty');
});
