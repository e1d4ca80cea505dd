import {
  type ChildProcessHandle,
  createDatabaseIn,
  type Exit,
  freePort,
  type RedisServer,
  spawnProcess,
  startRedis,
  temporaryDirectory,
} from '@spillway/testkit';
import { Pool } from 'undici';
import { inject } from 'vitest';
import { COMMAND } from './spillway.ts';

export const ADMIN_KEY = 'admin-key-of-the-chaos-tests';
export const SECRET = 'the-secret-of-the-chaos-tests';

/** With which shared state the same tests run. */
export const configurations = [
  { name: 'Redis and PostgreSQL', redis: 'on' },
  { name: 'PostgreSQL alone', redis: 'off' },
] as const;

export type Configuration = (typeof configurations)[number];

/** A run's seed: `SPILLWAY_SEED`, else a new one. It belongs into the test's name. */
export const SEED = Number(process.env.SPILLWAY_SEED ?? Date.now() & 0x7fffffff);

export interface Instance {
  readonly name: string;
  readonly url: string;
  readonly port: number;
  /** Keep-alive connections to it. */
  readonly pool: Pool;
  /** Of the latest start. */
  readonly process: ChildProcessHandle;
  /** Starts it again, on the same port and data; kills it first if it runs. Resolves when it is ready. */
  start(env?: Readonly<Record<string, string>>): Promise<void>;
  /** @throws {Error} with its last words when a process of it has ended by itself */
  assertAlive(): void;
  /** SIGTERM. */
  stop(): Promise<Exit>;
  /** SIGKILL. */
  kill(): Promise<Exit>;
}

export interface Instances extends AsyncDisposable {
  readonly all: readonly [Instance, ...Instance[]];
  /** The i-th, counted around. */
  at(i: number): Instance;
  /** All share it, as on one machine: they may adopt each other's spools. */
  readonly dataDir: string;
  close(): Promise<void>;
}

export interface InstancesOptions {
  readonly databaseUrl: string;
  readonly redisUrl?: string | undefined;
  /** Default 3. */
  readonly count?: number;
  /** On top of what makes them a cluster. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A Redis of the test's own where the configuration has one, to be broken at will. */
export async function startOwnRedis({ redis }: Configuration): Promise<RedisServer | undefined> {
  return redis === 'off' ? undefined : startRedis({ config: { 'maxmemory-policy': 'noeviction' } });
}

/** A database on the run's shared PostgreSQL: for tests that do not break that. */
export async function temporaryDatabase(): Promise<AsyncDisposable & { readonly url: string }> {
  const database = await createDatabaseIn(inject('postgresUrl'));
  return { url: database.url, [Symbol.asyncDispose]: () => database.drop() };
}

/** Real processes of the service on one PostgreSQL, all started at the same instant. */
export async function startInstances(options: InstancesOptions): Promise<Instances> {
  const { count = 3 } = options;
  const directory = temporaryDirectory({ name: 'instances' });
  const env = {
    HOST: '127.0.0.1',
    DATABASE_URL: options.databaseUrl,
    REDIS_URL: options.redisUrl ?? '',
    DATA_DIR: directory.path,
    ADMIN_KEY,
    SPILLWAY_SECRET: SECRET,
    TRUSTED_PROXIES: 'loopback',
    EXPECTED_INSTANCES: String(count),
    LOG_LEVEL: 'warn',
    ...options.env,
  };
  const all: Instance[] = [];
  const close = async () => {
    for (const instance of all) await instance.kill();
    for (const { pool } of all) await pool.destroy();
    await directory.close();
  };
  try {
    for (let i = 1; i <= count; i += 1) all.push(createInstance(`links-${i}`, await freePort(), env));
    const starts = await Promise.allSettled(all.map((instance) => instance.start()));
    const failed = starts.find((start) => start.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  } catch (error) {
    await close();
    throw error;
  }
  const [first, ...others] = all;
  if (first === undefined) throw new RangeError(`"count" must be at least 1, got ${count}`);
  return {
    all: [first, ...others],
    at: (i) => all[i % all.length] ?? first,
    dataDir: directory.path,
    close,
    [Symbol.asyncDispose]: close,
  };
}

function createInstance(name: string, port: number, env: Readonly<Record<string, string>>): Instance {
  const url = `http://127.0.0.1:${port}`;
  let child: ChildProcessHandle | undefined;
  let expected = false;
  let ended: Error | undefined;
  const running = (): ChildProcessHandle => {
    if (child === undefined) throw new Error(`${name} was never started`);
    return child;
  };
  return {
    name,
    url,
    port,
    pool: new Pool(url, { connections: 64, keepAliveTimeout: 60_000 }),
    get process() {
      return running();
    },
    async start(more = {}) {
      expected = true;
      await child?.kill();
      expected = false;
      const started = spawnProcess({
        name,
        module: COMMAND,
        args: ['links'],
        env: { ...env, PORT: String(port), INSTANCE: name, ...more },
        readyWhen: (line) => line.includes('Spillway is ready'),
      });
      child = started;
      await started.ready;
      void started.exited.then((exit) => {
        if (!expected)
          ended = new Error(
            `${name} ended by itself (${exit.signal ?? exit.code}):\n${started.stderr.slice(-20).join('\n')}`,
          );
      });
    },
    assertAlive() {
      if (ended !== undefined) throw ended;
    },
    stop() {
      expected = true;
      return running().stop();
    },
    async kill() {
      expected = true;
      return child?.kill() ?? { code: null, signal: null };
    },
  };
}
