import { randomBytes } from 'node:crypto';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type ChildProcessHandle,
  freePort,
  type NginxServer,
  type PostgresServer,
  type RedisServer,
  spawnProcess,
  startNginx,
  startPostgres,
  startRedis,
  temporaryDirectory,
  until,
} from '@spillway/testkit';
import { nginxConfig } from './nginx-config.ts';

const COMMAND = fileURLToPath(new URL('../../apps/links/bin/spillway.js', import.meta.url));

export interface ClusterOptions {
  /** How many processes of the service. Default 3. */
  readonly instances?: number;
  /** nginx' port. Default: a free one. */
  readonly port?: number;
  /** Default `on`: without, PostgreSQL carries the shared state. */
  readonly redis?: 'on' | 'off';
  /** Settings for every instance, on top of what makes them a cluster. */
  readonly env?: Readonly<Record<string, string>>;
  /** Told of every step, and of processes that end by themselves. */
  readonly report?: (line: string) => void;
}

export interface ClusterInstance {
  readonly name: string;
  readonly url: string;
  readonly port: number;
  /** The latest process: `restart` starts another. */
  readonly process: ChildProcessHandle;
  /** Starts it again, on the same port and data; kills it first if it runs. Resolves when it is ready. */
  restart(): Promise<void>;
}

export interface Cluster extends AsyncDisposable {
  /** nginx: what clients use. */
  readonly url: string;
  readonly adminKey: string;
  readonly nginx: NginxServer;
  readonly postgres: PostgresServer;
  readonly redis: RedisServer | undefined;
  readonly instances: readonly ClusterInstance[];
  /** Stops everything in the order of a shutdown, and removes all files. */
  close(): Promise<void>;
}

/** nginx, instances of the service, PostgreSQL and Redis as processes on the loopback; nothing of it outlives this process. */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const { instances: count = 3, report = () => undefined } = options;
  if (options.port !== undefined) await assertFree(options.port);
  const directory = temporaryDirectory({ name: 'cluster' });
  const opened: { close(): Promise<unknown> }[] = [directory];
  const close = async () => {
    // One after the other: nginx first, so that nobody is answered by half a cluster; the databases last.
    for (const each of opened.splice(0).reverse()) await each.close();
  };
  const open = <Opened extends { close(): Promise<unknown> }>(each: Opened): Opened => {
    opened.push(each);
    return each;
  };
  try {
    report('PostgreSQL ...');
    const postgres = open(await startPostgres());
    if (options.redis !== 'off') report('Redis ...');
    const redis =
      options.redis === 'off' ? undefined : open(await startRedis({ config: { 'maxmemory-policy': 'noeviction' } }));
    const port = options.port ?? (await freePort());
    const adminKey = options.env?.ADMIN_KEY ?? `admin-${randomBytes(12).toString('hex')}`;
    const env = {
      // As `npm start` does.
      MALLOC_ARENA_MAX: '1',
      DATABASE_URL: postgres.url,
      ...(redis === undefined ? {} : { REDIS_URL: redis.url }),
      PUBLIC_URL: `http://localhost:${port}`,
      HOST: '127.0.0.1',
      SPILLWAY_SECRET: randomBytes(24).toString('hex'),
      ADMIN_KEY: adminKey,
      TRUSTED_PROXIES: 'loopback',
      ALLOW_REPLAY_TIME: 'true',
      EXPECTED_INSTANCES: String(count),
      DATA_DIR: join(directory.path, 'data'),
      ...options.env,
    };
    report(`${count} instances ...`);
    const names = Array.from({ length: count }, (_, index) => `links-${index + 1}`);
    const instances = await Promise.all(names.map((name) => openInstance(name, env, open, report)));
    report('nginx ...');
    const config = nginxConfig({ port, instances: instances.map((instance) => instance.port) });
    const nginx = open(await startNginx({ config, port }));
    const url = `http://localhost:${port}`;
    return { url, adminKey, nginx, postgres, redis, instances, close, [Symbol.asyncDispose]: close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Before anything starts: nginx itself would try for a while, and meanwhile somebody else would answer in its place. */
function assertFree(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', ({ code }: NodeJS.ErrnoException) =>
      reject(new Error(`Port ${port} can not be had (${code}); choose another with --port`)),
    );
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve()));
  });
}

async function openInstance(
  name: string,
  env: Readonly<Record<string, string>>,
  open: <Opened extends { close(): Promise<unknown> }>(each: Opened) => Opened,
  report: (line: string) => void,
): Promise<ClusterInstance> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  let closing = false;
  let current: ChildProcessHandle;
  const start = async () => {
    const child = spawnProcess({
      name,
      module: COMMAND,
      args: ['links'],
      env: { ...env, PORT: String(port), INSTANCE: name },
      reapSignal: 'TERM',
    });
    current = child;
    void child.exited.then(({ code, signal }) => {
      if (!closing) report(`${name} has ended (${signal ?? code}).`);
    });
    const early = child.exited.then(() => {
      throw new Error(`${name} did not start:\n${[...child.stdout, ...child.stderr].slice(-20).join('\n')}`);
    });
    const isReady = async () => (await fetch(`${url}/readyz`)).ok;
    await Promise.race([until(isReady, { timeoutMs: 30_000, what: `${name} to be ready` }), early]);
  };
  open({
    async close() {
      closing = true;
      // 10 s to drain; a stopped (SIGSTOP) or hung one is killed.
      await current?.stop({ timeoutMs: 12_000 }).catch(() => current.kill());
    },
  });
  await start();
  return {
    name,
    url,
    port,
    get process() {
      return current;
    },
    async restart() {
      await current.kill();
      await start();
    },
  };
}
