export { type RedisTransportOptions, redisTransport } from './redis-transport.ts';
