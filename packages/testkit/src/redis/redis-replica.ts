import { until } from '../processes/until.ts';
import { type RedisServer, type RedisServerOptions, startRedis } from './redis-server.ts';

/** A replica of `master`; resolves when it has all of the master's data. */
export async function startRedisReplica(
  master: { readonly host: string; readonly port: number; readonly password?: string | undefined },
  options: RedisServerOptions = {},
): Promise<RedisServer> {
  const { password } = master;
  const replica = await startRedis({
    ...options,
    ...(password === undefined ? {} : { password }),
    config: {
      replicaof: `${master.host} ${master.port}`,
      ...(password === undefined ? {} : { masterauth: password }),
      ...options.config,
    },
  });
  await until(async () => (await replicationOf(replica)).master_link_status === 'up', {
    what: `the replica on port ${replica.port} to follow its master`,
    timeoutMs: 30_000,
  });
  return replica;
}

/** The fields of INFO replication. */
export async function replicationOf(server: RedisServer): Promise<Record<string, string>> {
  const info = String(await server.command('INFO', 'replication'));
  const fields = info.split('\r\n').filter((line) => line.includes(':'));
  return Object.fromEntries(fields.map((line) => line.split(/:(.*)/, 2) as [string, string]));
}
