import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isRunning, processUsage, spawnProcess, temporaryDirectory, until } from '@spillway/testkit';
import { expect, test } from 'vitest';
import { childrenOf } from '../../src/processes/process-identity.ts';

const shell = (script: string, more: object = {}) =>
  spawnProcess({ name: 'script', command: 'sh', args: ['-c', script], ...more });

test('a process is ready with its line, and its output is kept', async () => {
  await using child = shell('echo one; echo two >&2; echo ready; cat', {
    readyWhen: (line: string) => line === 'ready',
  });
  await child.ready;
  child.write('three\n');
  child.endInput();
  expect(await child.exited).toEqual({ code: 0, signal: null });
  expect(child.stdout).toEqual(['one', 'ready', 'three']);
  expect(child.stderr).toEqual(['two']);
  expect(child.running).toBe(false);
});

test('a process that ends before it is ready says with what', async () => {
  const child = shell('echo the reason >&2; exit 3', { readyWhen: () => false });
  await expect(child.ready).rejects.toThrow(/script ended early \(3\):\s+\| the reason/);
});

test('a program that is not there is an error of the process, not of the caller', async () => {
  const child = spawnProcess({ command: 'no-such-program-at-all' });
  await expect(child.ready).rejects.toThrow('ENOENT');
  expect((await child.exited).code).toBe(127);
  await child.close();
});

test('kill reaches the children of the process too', async () => {
  const child = shell('sleep 1000 & echo ready; wait', { readyWhen: (line: string) => line === 'ready' });
  await child.ready;
  const [grandchild] = childrenOf(child.pid);
  if (grandchild === undefined) throw new Error('no grandchild');
  expect(isRunning(grandchild)).toBe(true);
  expect(await child.kill()).toEqual({ code: null, signal: 'SIGKILL' });
  await until(() => !isRunning(grandchild), { what: 'the grandchild to be gone' });
});

test('a paused process does nothing until it is resumed', async () => {
  await using child = shell('echo ready; while read -r line; do echo "$line"; done', {
    readyWhen: (line: string) => line === 'ready',
  });
  await child.ready;
  child.pause();
  child.write('hello\n');
  await until(() => processState(child.pid) === 'T');
  expect(child.stdout).toEqual(['ready']);
  child.resume();
  await until(() => child.stdout.includes('hello'));
});

test('a module runs under this Node, without the settings of this shell', async () => {
  await using directory = temporaryDirectory();
  const module = join(directory.path, 'module.ts');
  await writeFile(
    module,
    'const env: NodeJS.ProcessEnv = process.env; console.log(env.DATABASE_URL ?? "none", env.OWN, process.argv[2]);',
  );
  process.env.DATABASE_URL = 'postgresql://precious';
  try {
    await using child = spawnProcess({ module, args: ['x'], env: { OWN: 'own' } });
    await child.exited;
    expect(child.stdout).toEqual(['none own x']);
  } finally {
    delete process.env.DATABASE_URL;
  }
});

test('the CPU time and memory of a process can be read', () => {
  const usage = processUsage(process.pid);
  expect(usage.userMs).toBeGreaterThan(0);
  expect(usage.rssBytes).toBeGreaterThan(10_000_000);
  expect(() => processUsage(2 ** 30)).toThrow('No process');
});

function processState(pid: number): string {
  return String(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]).charAt(0);
}
