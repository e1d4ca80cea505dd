import { type ChildProcess, spawn } from 'node:child_process';
import { processIdentity } from './process-identity.ts';
import { reapScript } from './reap-script.ts';

let reaper: ChildProcess | undefined;

/**
 * From here on the process, and its process group, will not outlive this one, however this one ends. To be called in the same
 * turn as the spawn, so that the pid can not yet belong to another.
 * `signal` is what it gets first; it is killed when that does not help within 3 s.
 */
export function reapProcess(pid: number, signal: 'KILL' | 'QUIT' | 'TERM' = 'KILL'): void {
  const identity = processIdentity(pid);
  if (identity !== undefined) tell(`process ${pid} ${identity} ${signal}`);
}

/** From here on the directory will not outlive this process. */
export function reapDirectory(path: string): void {
  if (path.includes('\n')) throw new Error(`${JSON.stringify(path)} holds a line break; set TMPDIR to a plain path`);
  tell(`directory ${path}`);
}

function tell(line: string): void {
  reaper ??= startReaper();
  reaper.stdin?.write(`${line}\n`);
}

function startReaper(): ChildProcess {
  // Its own session: Ctrl-C in the terminal must not reach it. No output: it must not keep a pipeline open.
  const child = spawn('/bin/sh', ['-c', reapScript], {
    cwd: '/',
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    env: { PATH: process.env.PATH ?? '/usr/bin:/bin' },
  });
  child.on('error', (error) => {
    throw new Error('The reaper did not start: is there a /bin/sh?', { cause: error });
  });
  // Killed by hand: what it knew is lost; the next line goes to a new one.
  child.once('exit', () => {
    if (reaper === child) reaper = undefined;
  });
  child.stdin.on('error', () => {});
  child.unref();
  if ('unref' in child.stdin && typeof child.stdin.unref === 'function') child.stdin.unref();
  return child;
}
