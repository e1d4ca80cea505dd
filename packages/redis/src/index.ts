export type { BusGapMessage } from './bus/channels.ts';
export { type RedisBusOptions, redisBus } from './bus/redis-bus.ts';
export type { RedisCommandMessage, RedisStateMessage } from './channels.ts';
export { connectRedis } from './connect-redis.ts';
export { createKeys, type KeyBuilder, type KeyOptions } from './core/keys.ts';
export { slotOf } from './core/slot.ts';
export { RedisReplyError, ScriptReplyError } from './errors.ts';
export type { Inspection } from './inspect/inspect-server.ts';
export type {
  CommandOptions,
  LinkState,
  RedisArgument,
  RedisCommands,
  RedisConnection,
  RedisLink,
  Subscriber,
  Subscription,
} from './link.ts';
export { createLock, type Lock } from './lock/create-lock.ts';
export type { Held } from './lock/held-lock.ts';
export type {
  ClusterOptions,
  CommonOptions,
  LentOptions,
  PlainOptions,
  RedisAddress,
  RedisOptions,
  SentinelOptions,
} from './options.ts';
export type { BeatingPresence, PresenceOptions } from './presence/heartbeat.ts';
export { type RedisPresenceOptions, redisPresence } from './presence/redis-presence.ts';
export { defineScript, integers, type RedisScript } from './script/define-script.ts';
