import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { reapProcess } from './reaper.ts';

export interface SpawnOptions {
  /** For messages. Default: the command. */
  readonly name?: string;
  /** A program, or `module`: a file (path or file URL) that this Node runs. */
  readonly command?: string;
  readonly module?: string | URL;
  readonly args?: readonly string[];
  /** Node's own options, for `module`. */
  readonly nodeArgs?: readonly string[];
  readonly cwd?: string;
  /** On top of PATH, HOME and the like: settings of the developer's shell (DATABASE_URL) must not leak into tests. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** True for the line, of stdout or stderr, by which the process says that it is ready. Default: ready at once. */
  readonly readyWhen?: (line: string) => boolean;
  /** Default 30,000. */
  readonly readyTimeoutMs?: number;
  readonly user?: { readonly uid: number; readonly gid: number } | undefined;
  /** What the reaper sends first. Default `KILL`. */
  readonly reapSignal?: 'KILL' | 'QUIT' | 'TERM';
  /** How many lines of each stream are kept, roughly. Default 10,000. */
  readonly keepLines?: number;
  /** Called with every line, the moment it comes. */
  readonly onLine?: (line: string, from: 'stdout' | 'stderr') => void;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ChildProcessHandle extends AsyncDisposable {
  readonly name: string;
  readonly pid: number;
  /** The last lines (`keepLines`), oldest first. */
  readonly stdout: readonly string[];
  readonly stderr: readonly string[];
  /** Rejects, with the last lines, when the process ends or stays silent instead. */
  readonly ready: Promise<void>;
  readonly exited: Promise<Exit>;
  readonly running: boolean;
  /** To the process alone. */
  signal(signal: NodeJS.Signals): void;
  /** SIGSTOP and SIGCONT, to it and its children. */
  pause(): void;
  resume(): void;
  /** SIGKILL to it and its children; resolves when it is gone. */
  kill(): Promise<Exit>;
  /** SIGTERM; resolves when it has ended by itself. @throws {Error} if it did not within `timeoutMs` (15,000) */
  stop(options?: { readonly timeoutMs?: number }): Promise<Exit>;
  write(text: string): void;
  endInput(): void;
  /** Same as `kill`, whatever state it is in. */
  close(): Promise<void>;
}

/** Types are stripped and modules compiled once for all processes of a run: half of what a start costs. */
const COMPILE_CACHE = { NODE_COMPILE_CACHE: join(tmpdir(), 'node-compile-cache') };

const INHERITED = ['PATH', 'HOME', 'USER', 'TMPDIR', 'TZ', 'LANG', 'LC_ALL', 'LD_LIBRARY_PATH', 'SPILLWAY_DATA'];

/** A real process, in a group of its own, that can not outlive this one. */
export function spawnProcess(options: SpawnOptions): ChildProcessHandle {
  const { command, args } = commandLine(options);
  const { name = command, keepLines = 10_000 } = options;
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: environment(options.module === undefined ? options.env : { ...COMPILE_CACHE, ...options.env }),
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
    ...options.user,
  });
  const { pid } = child;
  if (pid !== undefined) reapProcess(pid, options.reapSignal);

  const stdout: string[] = [];
  const stderr: string[] = [];
  let exit: Exit | undefined;
  const exited = new Promise<Exit>((resolve) => {
    child.once('error', (error) => {
      stderr.push(String(error));
      exit = { code: 127, signal: null };
      resolve(exit);
    });
    // 'exit' may come before the last output was read; readers of `stdout` after `exited` want all of it. But a grandchild may
    // hold the pipe open for long, so the wait for the end of output is bounded.
    child.once('exit', (code, signal) => {
      exit = { code, signal };
      const timer = setTimeout(resolve, 1_000, exit);
      child.once('close', () => {
        clearTimeout(timer);
        resolve({ code, signal });
      });
    });
  });

  const ready = Promise.withResolvers<void>();
  ready.promise.catch(() => {});
  const tail = () => [...stdout.slice(-15), ...stderr.slice(-15)].map((line) => `\n  | ${line}`).join('');
  const late = setTimeout(
    () => ready.reject(new Error(`${name} was not ready after ${options.readyTimeoutMs ?? 30_000} ms:${tail()}`)),
    options.readyTimeoutMs ?? 30_000,
  );
  const settled = () => clearTimeout(late);
  ready.promise.then(settled, settled);
  exited.then(({ code, signal }) => ready.reject(new Error(`${name} ended early (${code ?? signal}):${tail()}`)));
  if (options.readyWhen === undefined && pid !== undefined) ready.resolve();

  const read = (stream: Readable, lines: string[], from: 'stdout' | 'stderr') =>
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line);
      if (lines.length > keepLines * 1.1) lines.splice(0, lines.length - keepLines);
      if (options.readyWhen?.(line) === true) ready.resolve();
      options.onLine?.(line, from);
    });
  read(child.stdout, stdout, 'stdout');
  read(child.stderr, stderr, 'stderr');
  child.stdin.on('error', () => {});

  const running = () => exit === undefined;
  const toGroup = (signal: NodeJS.Signals) => {
    // Also after the leader's end: its children may go on. The group's number stays taken for as long as they do.
    if (pid !== undefined) attempt(() => process.kill(-pid, signal));
  };
  const kill = async () => {
    toGroup('SIGKILL');
    return exited;
  };
  const close = async () => {
    await kill();
  };
  return {
    name,
    pid: pid ?? -1,
    stdout,
    stderr,
    ready: ready.promise,
    exited,
    get running() {
      return running();
    },
    signal: (signal) => {
      if (running()) child.kill(signal);
    },
    pause: () => toGroup('SIGSTOP'),
    resume: () => toGroup('SIGCONT'),
    kill,
    async stop({ timeoutMs = 15_000 } = {}) {
      if (running()) child.kill('SIGTERM');
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(
          () => reject(new Error(`${name} still ran ${timeoutMs} ms after SIGTERM:${tail()}`)),
          timeoutMs,
        );
      });
      return Promise.race([exited, late]).finally(() => clearTimeout(timer));
    },
    write: (text) => void child.stdin.write(text),
    endInput: () => void child.stdin.end(),
    close,
    [Symbol.asyncDispose]: close,
  };
}

function commandLine(options: SpawnOptions): { command: string; args: string[] } {
  const args = [...(options.args ?? [])];
  if (options.module !== undefined) {
    const path = options.module instanceof URL ? fileURLToPath(options.module) : options.module;
    const file = path.startsWith('file:') ? fileURLToPath(path) : path;
    const nodeArgs = [
      '--conditions=spillway-source',
      '--disable-warning=ExperimentalWarning',
      ...(options.nodeArgs ?? []),
    ];
    return { command: process.execPath, args: [...nodeArgs, file, ...args] };
  }
  if (options.command === undefined) throw new TypeError('spawnProcess needs a command or a module');
  return { command: options.command, args };
}

function environment(own: SpawnOptions['env'] = {}): NodeJS.ProcessEnv {
  const inherited = INHERITED.filter((name) => process.env[name] !== undefined).map((name) => [
    name,
    process.env[name],
  ]);
  const all: Record<string, string | undefined> = { ...Object.fromEntries(inherited), ...own };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

function attempt(work: () => void): void {
  try {
    work();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
