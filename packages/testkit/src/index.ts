export type { LatencySummary } from './load/latency-histogram.ts';
export {
  type LoadPlan,
  type LoadProgress,
  type LoadReport,
  type LoadRequest,
  redirectsSeen,
} from './load/load-plan.ts';
export { type Load, type LoadOptions, openLoad } from './load/open-load.ts';
export { clientAddress } from './load/request-source.ts';
export { type Exploration, explore, formatTrace, type Model, type ModelStep } from './model/explore.ts';
export { type NginxContext, type NginxOptions, type NginxServer, startNginx } from './nginx/nginx-server.ts';
export {
  createDatabaseIn,
  type Database,
  type PostgresServer,
  type PostgresServerOptions,
  startPostgres,
} from './postgres/postgres-server.ts';
export { freePort } from './processes/free-port.ts';
export { isRunning, processUsage } from './processes/process-identity.ts';
export { type ChildProcessHandle, type Exit, type SpawnOptions, spawnProcess } from './processes/spawn-process.ts';
export { type TemporaryDirectory, temporaryDirectory } from './processes/temporary-directory.ts';
export { until } from './processes/until.ts';
export { type Exchange, type FaultProxy, startFaultProxy } from './proxy/fault-proxy.ts';
export type { RedisReply } from './redis/control-connection.ts';
export { type ClusterNode, type RedisCluster, startRedisCluster } from './redis/redis-cluster.ts';
export { startRedisReplica } from './redis/redis-replica.ts';
export { type SentinelTrio, startSentinelTrio } from './redis/redis-sentinel.ts';
export { type RedisServer, type RedisServerOptions, startRedis } from './redis/redis-server.ts';
export { type EnsureServersOptions, ensureServers } from './servers/ensure-servers.ts';
export { findServers, howToInstall, type ServerName } from './servers/find-servers.ts';
export { zipf } from './traffic/zipf.ts';
