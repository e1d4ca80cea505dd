import type { RedisOptions as IoredisOptions } from 'ioredis';
import { backOffMs } from '../core/back-off.ts';
import type { ParsedOptions } from '../options.ts';

/**
 * Options of every ioredis connection that we make. Nothing is queued, retried or sent again by the client; it reconnects by
 * itself, with jitter and for ever. The ready check is ours, the lane's probe: it has a deadline, and needs no right to INFO.
 * RESP2 saves the HELLO, and gives arrays where RESP3 gives maps.
 */
/** The client's options, without the reply mapping that changes the shape of its replies. */
export type ClientOptions = Omit<IoredisOptions, 'replyMapping'>;

export function clientOptions(options: ParsedOptions): ClientOptions {
  return {
    connectionName: `spillway:${options.name.replace(/[^\w.-]/g, '_')}`,
    disableClientInfo: true,
    protocol: 2,
    autoResendUnfulfilledCommands: false,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResubscribe: false,
    enableReadyCheck: false,
    connectTimeout: 2_000,
    retryStrategy: (attempt) => backOffMs(attempt, options.random),
    ...(options.db === 0 ? {} : { db: options.db }),
    ...(options.username === undefined ? {} : { username: options.username }),
    ...(options.password === undefined ? {} : { password: options.password }),
    ...(options.tls === undefined ? {} : { tls: options.tls }),
  };
}

/** Where the connection goes. */
export function targetOptions(options: ParsedOptions): ClientOptions {
  const { target } = options;
  if (target.kind === 'plain') return { host: target.host, port: target.port };
  if (target.kind !== 'sentinel') return {};
  return {
    sentinels: target.sentinels.map(({ host, port }) => ({ host, port })),
    name: target.master,
    role: 'master',
    failoverDetector: true,
    sentinelCommandTimeout: 1_000,
    sentinelRetryStrategy: (attempt) => backOffMs(attempt, options.random),
    sentinelReconnectStrategy: (attempt) => 1_000 + backOffMs(attempt, options.random),
    // A master that hangs does not close its side: do not wait for it.
    ...{ disconnectTimeout: 100 },
    ...(target.sentinelUsername === undefined ? {} : { sentinelUsername: target.sentinelUsername }),
    ...(target.sentinelPassword === undefined ? {} : { sentinelPassword: target.sentinelPassword }),
    ...(options.tls === undefined ? {} : { enableTLSForSentinelMode: true, sentinelTLS: options.tls }),
  };
}
