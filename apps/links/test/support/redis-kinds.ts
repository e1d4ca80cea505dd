import { type RedisServer, startRedis, startRedisCluster, startSentinelTrio, until } from '@spillway/testkit';

/** A way to have Redis, as an operator sets it up, and what goes wrong with it. */
export interface RedisKind extends AsyncDisposable {
  /** Settings of the instances. */
  readonly env: Readonly<Record<string, string>>;
  /** As `/metrics` names them. */
  readonly dependencies: readonly string[];
  /** Something dies; resolves once the servers themselves are whole again. */
  fail(): Promise<void>;
  /** Every server that holds keys now. */
  servers(): readonly RedisServer[];
  /** Whose keys each of them has, and no other, where that is the point. */
  readonly keysOf?: readonly (readonly string[])[];
}

const NOEVICTION = { 'maxmemory-policy': 'noeviction' };

/** A master, its replica and three Sentinels; the master dies. */
export async function behindSentinels(): Promise<RedisKind> {
  const trio = await startSentinelTrio({ redis: { config: NOEVICTION } });
  let master = trio.master;
  return {
    env: {
      REDIS_SENTINELS: trio.sentinels.map(({ host, port }) => `${host}:${port}`).join(),
      REDIS_MASTER: trio.masterName,
    },
    dependencies: ['redis', 'bus'],
    async fail() {
      await master.kill();
      master = await trio.promoted(master);
    },
    servers: () => [master],
    [Symbol.asyncDispose]: () => trio.close(),
  };
}

/** Three masters, each with a replica; one master dies. */
export async function onCluster(): Promise<RedisKind> {
  const cluster = await startRedisCluster({ masters: 3, replicas: 1, config: NOEVICTION });
  return {
    env: { REDIS_CLUSTER: cluster.masters.map(({ host, port }) => `${host}:${port}`).join() },
    dependencies: ['redis', 'bus'],
    async fail() {
      const [victim, ...others] = cluster.masters;
      await victim?.kill();
      const whole = async () => {
        const states = others.map(async (node) => String(await node.command('CLUSTER', 'INFO')));
        const owner = await cluster.ownerOf(0);
        return owner !== victim && (await Promise.all(states)).every((info) => info.includes('cluster_state:ok'));
      };
      await until(whole, { timeoutMs: 30_000, everyMs: 50, what: 'a replica to take over' });
    },
    servers: () => cluster.nodes.filter((node) => node.running),
    [Symbol.asyncDispose]: () => cluster.close(),
  };
}

/** The cache on a small Redis of its own, which evicts; that one dies, and comes back empty. */
export async function withCacheApart(): Promise<RedisKind> {
  const main = await startRedis({ config: NOEVICTION });
  const cache = await startRedis({ maxmemory: '50mb', config: { 'maxmemory-policy': 'allkeys-lru' } });
  return {
    env: { REDIS_URL: main.url, REDIS_CACHE_URL: cache.url },
    dependencies: ['redis', 'redis-cache', 'bus'],
    async fail() {
      await cache.kill();
      await cache.restart();
    },
    servers: () => [main, cache],
    // The links' own is the mark of the changes that the cache has seen.
    keysOf: [
      ['events', 'ids', 'presence'],
      ['cache', 'links'],
    ],
    async [Symbol.asyncDispose]() {
      await main.close();
      await cache.close();
    },
  };
}

/** Over TLS, with a certificate that the instances are told to trust; it dies, and comes back empty. */
export async function overTls(): Promise<RedisKind> {
  const redis = await startRedis({ transport: 'tls', password: 'the password', config: NOEVICTION });
  return {
    env: { REDIS_URL: redis.url, NODE_EXTRA_CA_CERTS: redis.certificateFile ?? '' },
    dependencies: ['redis', 'bus'],
    async fail() {
      await redis.kill();
      await redis.restart();
    },
    servers: () => [redis],
    [Symbol.asyncDispose]: () => redis.close(),
  };
}
