import { chmodSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { freePort, isRunning, spawnProcess, temporaryDirectory, until } from '@spillway/testkit';
import { expect, test } from 'vitest';

const SCRIPT = fileURLToPath(new URL('../../../../scripts/cluster.ts', import.meta.url));

test.each([
  ['with Redis', [], ['nginx', 'links-1', 'links-2', 'PostgreSQL', 'Redis']],
  ['without Redis', ['--without-redis'], ['nginx', 'links-1', 'links-2', 'PostgreSQL']],
] as const)(
  'npm run cluster %s: a table of what runs where; Ctrl-C stops all and leaves nothing',
  async (_, args, names) => {
    await using directory = temporaryDirectory({ name: 'cluster-script' });
    // PostgreSQL runs as somebody else, who must get through.
    chmodSync(directory.path, 0o777);
    const port = await freePort();
    await using script = spawnProcess({
      name: 'npm run cluster',
      module: SCRIPT,
      args: ['--port', String(port), '--instances', '2', ...args],
      env: { TMPDIR: directory.path },
      readyWhen: (line) => line.includes('Ctrl-C stops all'),
      readyTimeoutMs: 60_000,
    });
    await script.ready;
    const rows = script.stdout.flatMap((line) => {
      const [, what, where = '', pid] = /^ {2}(\S+) +(\S+:\/\/\S+) +(\d+)$/.exec(line) ?? [];
      return what === undefined ? [] : [{ what, where, pid: Number(pid) }];
    });
    expect(rows.map(({ what }) => what)).toEqual(names);
    for (const { pid } of rows) expect(isRunning(pid)).toBe(true);
    for (const { what, where } of rows.filter((row) => row.where.startsWith('http'))) {
      const answer = await fetch(`${where}/healthz`);
      expect([answer.status, what]).toEqual([200, what]);
      if (what !== 'nginx') expect(answer.headers.get('x-served-by')).toBe(what);
    }
    // As the terminal does: to the whole group.
    process.kill(-script.pid, 'SIGINT');
    expect(await script.exited).toEqual({ code: 0, signal: null });
    expect(script.stdout.at(-1)).toBe('All stopped, nothing left behind.');
    for (const { pid } of rows) expect(isRunning(pid)).toBe(false);
    // Node's cache of compiled modules is everybody's, and stays.
    const left = () => readdirSync(directory.path).filter((name) => name !== 'node-compile-cache');
    await until(() => left().length === 0, { what: 'all files to be gone' });
  },
);

test('a port in use is told before anything starts', async () => {
  const port = await freePort();
  await using _other = spawnProcess({
    command: process.execPath,
    args: ['-e', `require('node:net').createServer().listen(${port}, '127.0.0.1', () => console.log('listening'))`],
    readyWhen: (line) => line === 'listening',
  });
  await _other.ready;
  const script = spawnProcess({ module: SCRIPT, args: ['--port', String(port)] });
  expect(await script.exited).toEqual({ code: 1, signal: null });
  expect(script.stderr.join('\n')).toContain(`Port ${port} can not be had (EADDRINUSE); choose another with --port`);
});
