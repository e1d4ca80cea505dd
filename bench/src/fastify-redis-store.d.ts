// The plugin's own store, which it publishes without types.
declare module '@fastify/rate-limit/store/RedisStore.js' {
  export default class RedisStore {
    constructor(continueExceeding: boolean, exponentialBackoff: boolean, redis: unknown, key: string);
    incr(
      key: string,
      done: (error: Error | null, result: { readonly current: number; readonly ttl: number } | null) => void,
      timeWindow: number,
      max: number,
    ): void;
  }
}
