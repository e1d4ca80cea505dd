import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { spawnProcess, until } from '@spillway/testkit';
import { expect, test } from 'vitest';
import { childrenOf, isRunning, processIdentity } from '../../src/processes/process-identity.ts';
import { reapScript } from '../../src/processes/reap-script.ts';

const fixture = new URL('../fixtures/start-servers.ts', import.meta.url);

interface Started {
  readonly pids: number[];
  readonly directories: string[];
}

async function startAndLook(...args: string[]) {
  const child = spawnProcess({ module: fixture, args, readyWhen: (line) => line.startsWith('{') });
  await child.ready;
  const { pids, directories } = JSON.parse(child.stdout.at(-1) ?? '') as Started;
  // With the workers of nginx and the processes of PostgreSQL.
  const all = pids.flatMap((pid) => [pid, ...childrenOf(pid)]);
  const identities = new Map(all.map((pid) => [pid, processIdentity(pid)]));
  expect(all.length).toBeGreaterThan(8);
  for (const pid of all) expect(isRunning(pid), `pid ${pid}`).toBe(true);
  for (const directory of directories) expect(existsSync(directory)).toBe(true);
  const left = () => ({
    pids: all.filter((pid) => isRunning(pid, identities.get(pid))),
    directories: directories.filter((directory) => existsSync(directory)),
  });
  return { child, left };
}

const NOTHING = { pids: [], directories: [] };

test.each([
  ['SIGKILL', 'running'],
  ['SIGKILL', 'stopped'],
  ['SIGINT', 'running'],
  ['SIGTERM', 'running'],
] as const)('a test process that gets %s leaves nothing behind of its servers, %s ones', async (signal, state) => {
  const { child, left } = await startAndLook(state);
  // To the process alone: its group would be ended by the way it was started here.
  child.signal(signal);
  await child.exited;
  await until(() => JSON.stringify(left()) === JSON.stringify(NOTHING), { timeoutMs: 20_000 }).catch(() => {});
  expect(left()).toEqual(NOTHING);
});

test('a process that got the pid of one of ours is left alone', async () => {
  const stranger = spawnProcess({ command: 'sleep', args: ['1000'] });
  const ours = spawnProcess({ command: 'sleep', args: ['1000'] });
  const reaper = spawn('/bin/sh', ['-c', reapScript], { stdio: ['pipe', 'ignore', 'ignore'] });
  const identity = processIdentity(stranger.pid);
  expect(identity).toMatch(/^\d+$/);
  reaper.stdin.write(`process ${stranger.pid} ${Number(identity) - 1} KILL\n`);
  reaper.stdin.write(`process ${ours.pid} ${processIdentity(ours.pid)} KILL\n`);
  reaper.stdin.end();
  await new Promise((resolve) => reaper.once('exit', resolve));
  expect(await ours.exited).toEqual({ code: null, signal: 'SIGKILL' });
  expect(stranger.running).toBe(true);
  expect(isRunning(stranger.pid)).toBe(true);
  await stranger.close();
});
