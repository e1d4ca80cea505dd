import { mkdir, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { freePort } from '../processes/free-port.ts';
import { spawnProcess } from '../processes/spawn-process.ts';
import { temporaryDirectory } from '../processes/temporary-directory.ts';
import { until } from '../processes/until.ts';
import { requireProgram } from '../servers/find-servers.ts';

/** What a configuration may be written around. */
export interface NginxContext {
  /** The port that the configuration is expected to listen on, free until now. */
  readonly port: number;
  /** nginx' prefix: a temporary directory with a `temp` folder in it. */
  readonly dir: string;
}

export interface NginxServer extends AsyncDisposable {
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly pid: number;
  readonly dir: string;
  /** The lines of the error log, which goes to stderr unless the configuration says otherwise. */
  readonly errors: readonly string[];
  /** Writes the configuration anew and reloads it without a lost connection (SIGHUP). */
  reload(config: string | ((context: NginxContext) => string)): Promise<void>;
  /** SIGQUIT: finishes the requests in flight. */
  stop(): Promise<void>;
  kill(): Promise<void>;
  close(): Promise<void>;
}

export interface NginxOptions {
  /**
   * The whole nginx.conf, or a function that writes it. `daemon`, `pid` and, as root, `user` are seen to if it leaves them out.
   */
  readonly config: string | ((context: NginxContext) => string);
  /** Default: a free one. */
  readonly port?: number;
}

/** A real nginx in a temporary prefix. Resolves when its port answers. */
export async function startNginx(options: NginxOptions): Promise<NginxServer> {
  const program = requireProgram('nginx', 'nginx');
  const directory = temporaryDirectory({ name: 'nginx' });
  const port = options.port ?? (await freePort());
  const context: NginxContext = { port, dir: directory.path };
  const file = join(directory.path, 'nginx.conf');
  const write = (config: NginxOptions['config']) =>
    writeFile(file, complete(typeof config === 'string' ? config : config(context), directory.path));
  await mkdir(join(directory.path, 'temp'));
  await write(options.config);
  const child = spawnProcess({
    name: `nginx on port ${port}`,
    command: program,
    args: ['-p', directory.path, '-e', 'stderr', '-c', file],
    cwd: directory.path,
  });
  const close = async () => {
    await child.kill();
    await directory.close();
  };
  try {
    const early = child.exited.then(({ code }) => {
      throw new Error(`nginx ended (${code}) instead of starting:\n${child.stderr.join('\n')}`);
    });
    await Promise.race([until(() => answers(port), { what: `nginx on port ${port}`, timeoutMs: 20_000 }), early]);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    url: `http://127.0.0.1:${port}`,
    host: '127.0.0.1',
    port,
    dir: directory.path,
    pid: child.pid,
    errors: child.stderr,
    async reload(config) {
      await write(config);
      child.signal('SIGHUP');
    },
    async stop() {
      child.signal('SIGQUIT');
      await child.exited;
    },
    kill: async () => void (await child.kill()),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** In the foreground, its files below the prefix, and as root with workers that may read the prefix. */
function complete(config: string, dir: string): string {
  const has = (directive: string) => new RegExp(`^\\s*${directive}\\s`, 'm').test(config);
  const added = [
    ...(has('daemon') ? [] : ['daemon off;']),
    ...(has('pid') ? [] : [`pid ${join(dir, 'nginx.pid')};`]),
    ...(has('error_log') ? [] : ['error_log stderr warn;']),
    ...(has('user') || process.getuid?.() !== 0 ? [] : ['user root;']),
  ];
  const http = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].filter((name) => !has(`${name}_temp_path`));
  const paths = http.map((name) => `${name}_temp_path ${join(dir, 'temp', name)};`).join(' ');
  return `${added.join('\n')}\n${config.replace(/^(\s*http\s*\{)/m, `$1 ${paths}`)}\n`;
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
