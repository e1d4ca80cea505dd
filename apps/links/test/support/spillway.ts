import { join } from 'node:path';
import { type ChildProcessHandle, freePort, spawnProcess, temporaryDirectory } from '@spillway/testkit';

export const COMMAND = join(import.meta.dirname, '../../bin/spillway.js');

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the `spillway` command to its end, or until `onLine` has it stopped. */
export async function spillway(
  args: readonly string[],
  options: {
    readonly env?: Readonly<Record<string, string>>;
    readonly input?: string;
    /** A command that runs it, and its arguments. Default: none. */
    readonly within?: readonly string[];
    readonly started?: (child: ChildProcessHandle) => void;
  } = {},
): Promise<Ran> {
  const { env = {}, within = [] } = options;
  const name = `spillway ${args[0]}`;
  const [command, ...before] = within;
  const child =
    command === undefined
      ? spawnProcess({ name, module: COMMAND, args, env })
      : spawnProcess({ name, command, args: [...before, process.execPath, COMMAND, ...args], env });
  if (options.input !== undefined) child.write(options.input);
  child.endInput();
  options.started?.(child);
  const { code } = await child.exited;
  return { code, stdout: child.stdout.join('\n'), stderr: child.stderr.join('\n') };
}

export interface Embedded extends AsyncDisposable {
  readonly url: string;
  readonly adminKey: string;
  readonly process: ChildProcessHandle;
  /** Ends it with SIGTERM and starts it again on the same data. */
  restart(): Promise<void>;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** After its end, on the same data. */
  start(): Promise<void>;
}

/** The embedded service in a process of its own, on a data directory of its own. */
export async function startEmbedded(env: Readonly<Record<string, string>> = {}): Promise<Embedded> {
  const directory = temporaryDirectory({ name: 'embedded' });
  const port = await freePort();
  const adminKey = 'admin-key-for-tests-0123';
  const start = async () => {
    const child = spawnProcess({
      name: 'spillway links',
      module: COMMAND,
      env: { PORT: String(port), HOST: '127.0.0.1', DATA_DIR: directory.path, ADMIN_KEY: adminKey, ...env },
      readyWhen: (line) => line.includes('Spillway is ready'),
    });
    await child.ready;
    return child;
  };
  let child = await start();
  return {
    url: `http://127.0.0.1:${port}`,
    adminKey,
    get process() {
      return child;
    },
    async restart() {
      await child.stop();
      child = await start();
    },
    kill: async () => void (await child.kill()),
    async start() {
      child = await start();
    },
    async [Symbol.asyncDispose]() {
      await child.close();
      await directory.close();
    },
  };
}
