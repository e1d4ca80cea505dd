export { type Exploration, explore, formatTrace, type Model, type ModelStep } from './model/explore.ts';
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
export type { RedisReply } from './redis/control-connection.ts';
export { type RedisServer, type RedisServerOptions, startRedis } from './redis/redis-server.ts';
export { type EnsureServersOptions, ensureServers } from './servers/ensure-servers.ts';
export { findServers, howToInstall, type ServerName } from './servers/find-servers.ts';
