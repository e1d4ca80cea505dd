import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '../processes/free-port.ts';
import { type ChildProcessHandle, spawnProcess } from '../processes/spawn-process.ts';
import { type TemporaryDirectory, temporaryDirectory } from '../processes/temporary-directory.ts';
import { requireProgram } from '../servers/find-servers.ts';
import { selfSignedCertificate } from '../tls/self-signed-certificate.ts';
import { type RedisReply, redisCommand } from './control-connection.ts';

export interface RedisServerOptions {
  /** Default: a temporary one, removed by `close()`. */
  readonly dir?: string;
  /** Default: a free one. */
  readonly port?: number;
  readonly password?: string;
  /** e.g. `"50mb"`. */
  readonly maxmemory?: string;
  /** `tls`: nothing but TLS, with a certificate of its own. Needs a redis-server that was built with it, as Debian's is. */
  readonly transport?: 'plain' | 'tls';
  /** Any directive of redis.conf. Without, nothing is written to disk but by `saveSnapshot()`. */
  readonly config?: Readonly<Record<string, string>>;
}

export interface RedisServer extends AsyncDisposable {
  /** `redis://[:password@]127.0.0.1:port`, with TLS `rediss://` */
  readonly url: string;
  /** With TLS: the PEM file to trust. */
  readonly certificateFile: string | undefined;
  readonly host: string;
  readonly port: number;
  readonly password: string | undefined;
  /** Of the latest start. */
  readonly pid: number;
  readonly dir: string;
  readonly running: boolean;
  /** SIGTERM, as a service manager does. */
  stop(): Promise<void>;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** SIGSTOP: connections are still accepted by the kernel, and nothing is answered. */
  pause(): void;
  resume(): void;
  /** Starts again, on the same port and directory; kills it first if it runs. Resolves when it answers. */
  restart(): Promise<void>;
  /** Writes a snapshot, and keeps a copy aside for `restoreSnapshot()`. */
  saveSnapshot(): Promise<void>;
  /** Kills the server and brings it back with the data of the latest `saveSnapshot()`: a Redis that forgot what came after. */
  restoreSnapshot(): Promise<void>;
  /** Runs one command on a connection of its own. @throws {Error} what Redis answers */
  command(...args: readonly (string | number | Uint8Array)[]): Promise<RedisReply>;
  /** Kills it and removes its directory. */
  close(): Promise<void>;
}

/** What holds the data, of snapshots and of the append-only log. */
const DATA_FILES = ['dump.rdb', 'appendonlydir'];

/** A real Redis on a free port of the loopback. */
export async function startRedis(options: RedisServerOptions = {}): Promise<RedisServer> {
  const program = requireProgram('redis-server', 'redis');
  const temporary = options.dir === undefined ? temporaryDirectory({ name: 'redis' }) : undefined;
  const dir = options.dir ?? (temporary as TemporaryDirectory).path;
  await mkdir(dir, { recursive: true });
  const tls = options.transport === 'tls' ? await writeCertificate(dir) : undefined;
  let child: ChildProcessHandle;
  let port = options.port ?? (await freePort());

  const start = async () => {
    child = spawnProcess({
      name: `redis-server on port ${port}`,
      command: program,
      args: commandLine(port, dir, { ...options, config: { ...tls?.directives(port), ...options.config } }),
      cwd: dir,
      readyWhen: (line) => line.includes('Ready to accept connections'),
    });
    await child.ready;
  };
  for (let tries = 1; ; tries++) {
    try {
      await start();
      break;
    } catch (error) {
      // Somebody took the port between the look and the start; only a port of our own choice may change.
      if (options.port !== undefined || tries === 5 || !String(error).includes('in use')) {
        await temporary?.close();
        throw error;
      }
      port = await freePort();
    }
  }

  const host = '127.0.0.1';
  const { password } = options;
  const snapshot = join(dir, 'snapshot');
  const command: RedisServer['command'] = (...args) =>
    redisCommand({ host, port, password, certificate: tls?.certificate }, args);
  const copyData = async (from: string, to: string) => {
    for (const name of DATA_FILES) {
      await rm(join(to, name), { recursive: true, force: true });
      await cp(join(from, name), join(to, name), { recursive: true }).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw error;
      });
    }
  };
  const close = async () => {
    await child.kill();
    await temporary?.close();
  };
  const server: RedisServer = {
    url: `${tls === undefined ? 'redis' : 'rediss'}://${password === undefined ? '' : `:${encodeURIComponent(password)}@`}${host}:${port}`,
    certificateFile: tls?.file,
    host,
    port,
    password,
    dir,
    get pid() {
      return child.pid;
    },
    get running() {
      return child.running;
    },
    stop: async () => void (await child.stop()),
    kill: async () => void (await child.kill()),
    pause: () => child.pause(),
    resume: () => child.resume(),
    async restart() {
      await child.kill();
      await start();
    },
    async saveSnapshot() {
      await command('SAVE');
      await mkdir(snapshot, { recursive: true });
      await copyData(dir, snapshot);
    },
    async restoreSnapshot() {
      await child.kill();
      await copyData(snapshot, dir);
      await start();
    },
    command,
    close,
    [Symbol.asyncDispose]: close,
  };
  return server;
}

async function writeCertificate(dir: string) {
  const { certificate, key } = selfSignedCertificate();
  const file = join(dir, 'certificate.pem');
  const keyFile = join(dir, 'key.pem');
  await writeFile(file, certificate);
  await writeFile(keyFile, key, { mode: 0o600 });
  const directives = (port: number) => ({
    port: '0',
    'tls-port': String(port),
    'tls-cert-file': file,
    'tls-key-file': keyFile,
    'tls-ca-cert-file': file,
    'tls-auth-clients': 'no',
  });
  return { certificate, file, directives };
}

function commandLine(port: number, dir: string, options: RedisServerOptions): string[] {
  const directives = {
    port: String(port),
    bind: '127.0.0.1',
    dir,
    save: '',
    appendonly: 'no',
    daemonize: 'no',
    logfile: '',
    // A replica gets its copy at once, not after waiting 5 s for others to join in.
    'repl-diskless-sync-delay': '0',
    ...(options.password === undefined ? {} : { requirepass: options.password }),
    ...(options.maxmemory === undefined ? {} : { maxmemory: options.maxmemory }),
    ...options.config,
  };
  return Object.entries(directives).flatMap(([name, value]) => [`--${name}`, ...split(name, value)]);
}

// Directives with several words take them as several arguments; paths and passwords are one word.
function split(name: string, value: string): string[] {
  const oneWord = ['dir', 'requirepass', 'masterauth', 'logfile'].includes(name) || name.startsWith('tls-');
  return value === '' || oneWord ? [value] : value.split(' ');
}
