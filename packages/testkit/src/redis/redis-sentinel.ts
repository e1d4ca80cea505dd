import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { closeAll } from '../processes/close-all.ts';
import { freePort } from '../processes/free-port.ts';
import { type ChildProcessHandle, spawnProcess } from '../processes/spawn-process.ts';
import { temporaryDirectory } from '../processes/temporary-directory.ts';
import { until } from '../processes/until.ts';
import { requireProgram } from '../servers/find-servers.ts';
import { redisCommand } from './control-connection.ts';
import { replicationOf, startRedisReplica } from './redis-replica.ts';
import { type RedisServer, type RedisServerOptions, startRedis } from './redis-server.ts';

export interface SentinelTrio extends AsyncDisposable {
  readonly sentinels: readonly { readonly host: string; readonly port: number }[];
  readonly masterName: string;
  /** The server that was the master at the start. */
  readonly master: RedisServer;
  readonly replicas: readonly RedisServer[];
  /** The server that the sentinels call the master now. */
  currentMaster(): Promise<RedisServer>;
  /** Tells a sentinel to fail over; resolves with the new master, once it takes writes. */
  failover(): Promise<RedisServer>;
  /** Waits until the sentinels have made another server the master, e.g. after `master.kill()`. */
  promoted(from: RedisServer): Promise<RedisServer>;
  close(): Promise<void>;
}

/** A sentinel looks at its servers every 10 s and tells of itself every 2 s: far longer than the rest of a fail-over takes. */
const QUICK = ['info-period', '500', 'publish-period', '300', 'ask-period', '200', 'ping-period', '200'];

/** A master, one replica (or more) and three sentinels with a quorum of two. They call a server down after 500 ms. */
export async function startSentinelTrio(
  options: { readonly replicas?: number; readonly masterName?: string; readonly redis?: RedisServerOptions } = {},
): Promise<SentinelTrio> {
  const { replicas: count = 1, masterName = 'spillway' } = options;
  const opened: { close(): Promise<void> }[] = [];
  try {
    const master = await startRedis(options.redis);
    opened.push(master);
    const replicas = await Promise.all(
      Array.from({ length: count }, () => startRedisReplica(master, options.redis === undefined ? {} : options.redis)),
    );
    opened.push(...replicas);
    const sentinels = await Promise.all([1, 2, 3].map(() => startSentinel(masterName, master)));
    opened.push(...sentinels);
    const ask = async (...args: string[]) => {
      for (const sentinel of sentinels) {
        try {
          return await redisCommand(sentinel, args, 1_000);
        } catch (error) {
          if (sentinel === sentinels.at(-1)) throw error;
        }
      }
      return null;
    };
    // Each must have met the other two and every replica: before that no quorum can form.
    for (const sentinel of sentinels) {
      await until(
        async () => {
          const known = fieldsOf(await redisCommand(sentinel, ['SENTINEL', 'MASTER', masterName]));
          return known['num-other-sentinels'] === '2' && Number(known['num-slaves']) >= count;
        },
        { what: 'the sentinels to meet', timeoutMs: 30_000, everyMs: 50 },
      );
    }
    const servers = [master, ...replicas];
    const currentMaster = async () => {
      const address = await ask('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', masterName);
      const port = Array.isArray(address) ? Number(address[1]) : Number.NaN;
      const found = servers.find((server) => server.port === port);
      if (found === undefined) throw new Error(`The sentinels name a master that is none of ours: ${String(address)}`);
      return found;
    };
    const promoted = (from: RedisServer) =>
      until(
        async () => {
          const now = await currentMaster();
          return now !== from && (await replicationOf(now)).role === 'master' ? now : undefined;
        },
        { what: 'the sentinels to promote a replica', timeoutMs: 60_000, everyMs: 50 },
      );
    const close = () => closeAll(opened.reverse());
    return {
      sentinels: sentinels.map(({ host, port }) => ({ host, port })),
      masterName,
      master,
      replicas,
      currentMaster,
      promoted,
      async failover() {
        const from = await currentMaster();
        // A sentinel refuses while it still has to hear from the replica, or finishes the fail-over before.
        await until(async () => (await ask('SENTINEL', 'FAILOVER', masterName)) === 'OK', {
          what: 'a sentinel to accept the fail-over',
          timeoutMs: 30_000,
          everyMs: 200,
        });
        return promoted(from);
      },
      close,
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await closeAll(opened.reverse());
    throw error;
  }
}

async function startSentinel(
  masterName: string,
  master: RedisServer,
): Promise<{ host: string; port: number; child: ChildProcessHandle; close(): Promise<void> }> {
  const directory = temporaryDirectory({ name: 'sentinel' });
  const port = await freePort();
  const file = join(directory.path, 'sentinel.conf');
  const lines = [
    `port ${port}`,
    'bind 127.0.0.1',
    `dir "${directory.path}"`,
    `sentinel monitor ${masterName} ${master.host} ${master.port} 2`,
    `sentinel down-after-milliseconds ${masterName} 500`,
    `sentinel failover-timeout ${masterName} 3000`,
    ...(master.password === undefined ? [] : [`sentinel auth-pass ${masterName} ${master.password}`]),
  ];
  await writeFile(file, `${lines.join('\n')}\n`);
  const child = spawnProcess({
    name: `redis-sentinel on port ${port}`,
    command: requireProgram('redis-server', 'redis'),
    args: [file, '--sentinel'],
    cwd: directory.path,
    readyWhen: (line) => line.includes('Sentinel ID is'),
  });
  const close = async () => {
    await child.kill();
    await directory.close();
  };
  try {
    await child.ready;
    await until(() => redisCommand({ host: '127.0.0.1', port }, ['PING']), { what: 'a sentinel to answer' });
    await redisCommand({ host: '127.0.0.1', port }, ['SENTINEL', 'DEBUG', ...QUICK]);
  } catch (error) {
    await close();
    throw error;
  }
  return { host: '127.0.0.1', port, child, close };
}

function fieldsOf(reply: unknown): Record<string, string> {
  const flat = Array.isArray(reply) ? reply.map(String) : [];
  return Object.fromEntries(flat.flatMap((name, i) => (i % 2 === 0 ? [[name, flat[i + 1] ?? '']] : [])));
}
