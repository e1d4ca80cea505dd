export type { RedisCommandMessage, RedisStateMessage } from './channels.ts';
export { connectRedis } from './connect-redis.ts';
export { createKeys, type KeyBuilder, type KeyOptions } from './core/keys.ts';
export { RedisReplyError, ScriptReplyError } from './errors.ts';
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
export type { RedisAddress, RedisOptions } from './options.ts';
export { defineScript, integers, type RedisScript } from './script/define-script.ts';
