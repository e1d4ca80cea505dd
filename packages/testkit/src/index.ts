export { type FakeClock, fakeClock } from './fake-clock.ts';
export {
  type Counts,
  checkCountedOnce,
  checkCounts,
  checkEqualCounts,
  checkLoss,
  type Loss,
} from './history/check-counts.ts';
export { checkReadable } from './history/check-readable.ts';
export { checkUnique } from './history/check-unique.ts';
export { type HistoryEvent, type HistoryRecorder, readHistory, recordHistory } from './history/history.ts';
export type { Violation } from './history/violation.ts';
export { createLatencyHistogram, type LatencyHistogram, type LatencySummary } from './load/latency-histogram.ts';
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
export { smallDisk } from './processes/small-disk.ts';
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
export { accessLog, type LogEntry, parseLogLine } from './traffic/access-log.ts';
export { CACHE_TRACES, cacheTrace } from './traffic/cache-traces.ts';
export { dataFile } from './traffic/data-directory.ts';
export { generateAccessLog } from './traffic/generate-access-log.ts';
export { byPath, type PlainCount, plainCount } from './traffic/plain-count.ts';
export { lruHitRate, optimalHitRate, sampledLruHitRate } from './traffic/reference-caches.ts';
export { seededTraffic, type Visit } from './traffic/seeded-traffic.ts';
export { generateUrls, urls } from './traffic/urls.ts';
export { zipf } from './traffic/zipf.ts';
