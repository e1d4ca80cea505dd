import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { freePort } from '../processes/free-port.ts';
import { childrenOf } from '../processes/process-identity.ts';
import { type ChildProcessHandle, spawnProcess } from '../processes/spawn-process.ts';
import { temporaryDirectory } from '../processes/temporary-directory.ts';
import { requireProgram } from '../servers/find-servers.ts';
import { unprivilegedUser } from '../servers/unprivileged-user.ts';
import { fillDataDirectory } from './postgres-template.ts';
import { removeSharedMemory } from './shared-memory.ts';

export interface PostgresServerOptions {
  /** Default: a free one. */
  readonly port?: number;
  /** True gives up fsync for speed: what is committed outlives a SIGKILL of the server, and not the loss of the machine. */
  readonly fast?: boolean;
  /** Any setting of postgresql.conf. */
  readonly config?: Readonly<Record<string, string>>;
}

export interface Database {
  readonly name: string;
  readonly url: string;
  /** Also ends the connections to it. */
  drop(): Promise<void>;
}

export interface PostgresServer extends AsyncDisposable {
  /** Of the database `postgres`, as its superuser: `postgresql://postgres@127.0.0.1:port/postgres` */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** Of the latest start. */
  readonly pid: number;
  readonly dir: string;
  readonly running: boolean;
  /** Fast shutdown: connections are ended, a checkpoint is written. */
  stop(): Promise<void>;
  /** SIGKILL to the server and all its processes, as when the machine's power goes. */
  kill(): Promise<void>;
  /** SIGSTOP to the server and all its processes: connections are accepted by the kernel, and nothing is answered. */
  pause(): void;
  resume(): void;
  /** Starts again, on the same port and data; kills it first if it runs. Resolves when it answers. */
  restart(): Promise<void>;
  createDatabase(): Promise<Database>;
  /** Runs SQL in the database `postgres`, on a connection of its own. */
  query(text: string, values?: readonly unknown[]): Promise<Record<string, unknown>[]>;
  close(): Promise<void>;
}

// Commits stay synchronous: they are handed to the system before they are answered, and so outlive a SIGKILL.
const FAST = { fsync: 'off', full_page_writes: 'off' };

/** A real PostgreSQL on a free port of the loopback, as an unprivileged user when we are root. */
export async function startPostgres(options: PostgresServerOptions = {}): Promise<PostgresServer> {
  const program = requireProgram('postgres', 'postgres');
  const user = unprivilegedUser();
  const directory = temporaryDirectory({ name: 'postgres', ...(user === undefined ? {} : { owner: user }) });
  const data = join(directory.path, 'data');
  let child: ChildProcessHandle | undefined;
  let port = options.port ?? (await freePort());

  const start = async () => {
    child = spawnProcess({
      name: `postgres on port ${port}`,
      command: program,
      args: ['-D', data, ...settings(port, options)],
      cwd: directory.path,
      user,
      // It removes its shared memory when asked to go, and can not when killed.
      reapSignal: 'QUIT',
      readyWhen: (line) => line.includes('database system is ready to accept connections'),
    });
    await child.ready;
  };
  try {
    await fillDataDirectory(data, user);
    for (let tries = 1; ; tries++) {
      try {
        await start();
        break;
      } catch (error) {
        if (options.port !== undefined || tries === 5 || !String(error).includes('in use')) throw error;
        port = await freePort();
      }
    }
  } catch (error) {
    await child?.kill();
    await directory.close();
    throw error;
  }

  // Each of its processes is in a group of its own, so that signals go to them one by one: the parent first when it must not
  // start more of them, last when it must not see one end.
  const everyone = () => (child === undefined ? [] : [child.pid, ...childrenOf(child.pid)]);
  const send = (pids: readonly number[], signal: NodeJS.Signals) => {
    for (const pid of pids) {
      try {
        process.kill(pid, signal);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
      }
    }
  };
  const pause = () => {
    if (child?.running !== true) return;
    send([child.pid], 'SIGSTOP');
    send(everyone(), 'SIGSTOP');
  };
  const kill = async () => {
    if (child?.running !== true) return;
    pause();
    send(everyone(), 'SIGKILL');
    await child.exited;
  };
  const host = '127.0.0.1';
  const urlOf = (database: string) => `postgresql://postgres@${host}:${port}/${database}`;
  const query: PostgresServer['query'] = (text, values) => runSql(urlOf('postgres'), text, values);
  const close = async () => {
    await kill();
    await removeSharedMemory(data);
    await directory.close();
  };
  return {
    url: urlOf('postgres'),
    host,
    port,
    dir: directory.path,
    get pid() {
      return child?.pid ?? -1;
    },
    get running() {
      return child?.running === true;
    },
    async stop() {
      if (child?.running !== true) return;
      child.signal('SIGINT');
      await child.exited;
    },
    kill,
    pause,
    resume: () => send(everyone().reverse(), 'SIGCONT'),
    async restart() {
      await kill();
      await start();
    },
    query,
    async createDatabase() {
      return createDatabaseIn(urlOf('postgres'));
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** A fresh database on any server, e.g. the run's shared one: `createDatabaseIn(inject('postgresUrl'))`. */
export async function createDatabaseIn(serverUrl: string): Promise<Database> {
  const name = `test_${randomBytes(8).toString('hex')}`;
  await runSql(serverUrl, `CREATE DATABASE ${name}`);
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return {
    name,
    url: url.href,
    drop: async () => void (await runSql(serverUrl, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)),
  };
}

async function runSql(url: string, text: string, values: readonly unknown[] = []): Promise<Record<string, unknown>[]> {
  // Loaded late: most tests that use this package have no need of it.
  const { Client } = (await import('pg')).default;
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  client.on('error', () => {});
  await client.connect();
  try {
    return (await client.query(text, [...values])).rows;
  } finally {
    await client.end();
  }
}

function settings(port: number, options: PostgresServerOptions): string[] {
  const all = {
    port: String(port),
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: '200',
    shared_buffers: '32MB',
    // Files in the data directory instead of /dev/shm, where a killed server would leave them.
    dynamic_shared_memory_type: 'mmap',
    logging_collector: 'off',
    log_destination: 'stderr',
    timezone: 'UTC',
    ...(options.fast === true ? FAST : {}),
    ...options.config,
  };
  return Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}
