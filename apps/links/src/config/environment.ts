import { z } from 'zod';
import * as value from './values.ts';

/**
 * Every setting, its grammar, its default and what it means: the one schema over the environment. The reference page
 * `docs/2.reference/configuration.md` is made from it. An empty text counts as unset.
 */
export const environment = z.object({
  PORT: value.integer(0, 65_535).prefault('8080').describe('The port of the service. `0` takes any free one.'),
  HOST: value.hostName().optional().describe('The address to listen on. Default: all of them, IPv4 and IPv6.'),
  PUBLIC_URL: value
    .siteUrl()
    .optional()
    .describe('How clients reach the service; short URLs start with it. Default: `http://localhost:PORT`.'),
  DOMAINS: value
    .hosts()
    .prefault('')
    .describe(
      'Further hosts that short links may live on, separated by commas. `PUBLIC_URL` has the default one. `host` stands for that name on every port, and its short URLs have none; `host:port` is that port alone, which stands in its short URLs.',
    ),
  DATA_DIR: value
    .path()
    .prefault('./data')
    .describe('Where the embedded database, the click spool and the made secret live. One process at a time.'),
  DATABASE_URL: value
    .url('postgres', 'postgresql')
    .optional()
    .describe('PostgreSQL 14 or newer, e.g. `postgres://user:password@host/database`. Unset: SQLite in `DATA_DIR`.'),
  DATABASE_POOL: value
    .integer(1, 1000)
    .prefault('10')
    .describe(
      'Connections to PostgreSQL per process, apart from those of statistics (3), limits (4) and notifications (1).',
    ),
  DATABASE_TIMEOUT: value
    .milliseconds(50, 60_000)
    .prefault('2s')
    .describe('How long a connection or a statement on PostgreSQL may take. Statistics get ten times that.'),
  REDIS_URL: value
    .redisUrl()
    .optional()
    .describe('One Redis, e.g. `redis://user:password@host:6379/0`; `rediss://` for TLS. Needs `DATABASE_URL`.'),
  REDIS_SENTINELS: value
    .endpoints(26_379)
    .optional()
    .describe('`host:port,...` of the Sentinels, in place of `REDIS_URL`.'),
  REDIS_MASTER: value.masterName().optional().describe('The name of the master that the Sentinels watch.'),
  REDIS_CLUSTER: value
    .endpoints(6379)
    .optional()
    .describe('`host:port,...` of some nodes of a Redis Cluster, in place of `REDIS_URL`.'),
  REDIS_USERNAME: value
    .masterName()
    .optional()
    .describe('ACL user for Sentinel and Cluster; `REDIS_URL` carries its own.'),
  REDIS_PASSWORD: value
    .secret(1)
    .optional()
    .describe('Password for Sentinel and Cluster; `REDIS_URL` carries its own.'),
  REDIS_CACHE_URL: value
    .redisUrl()
    .optional()
    .describe('A second Redis for the cache alone, which may evict. Default: the same as the rest.'),
  REDIS_TIMEOUT: value.milliseconds(5, 10_000).prefault('50ms').describe('How long a command to Redis may take.'),
  REDIS_PREFIX: value
    .prefix()
    .prefault('spillway')
    .describe('First part of every key and channel; services that share a Redis or a PostgreSQL need different ones.'),
  SPILLWAY_SECRET: value
    .secret(16)
    .optional()
    .describe(
      'Short codes and visitor hashes are made with it; the same on every instance, and never to be changed. Required with `DATABASE_URL`; otherwise made once and kept in `DATA_DIR/secret`.',
    ),
  ADMIN_KEY: value
    .headerSecret(16)
    .optional()
    .describe('The key that may do everything, without limit. Unset: made at the first start and printed once.'),
  ANONYMOUS_CREATE: value
    .oneOf('local', 'off', 'limited')
    .prefault('local')
    .describe(
      'Who may shorten without a key: clients on this machine (`local`), nobody (`off`), or everybody within `LIMIT_CREATE` (`limited`). Unless `off`, clients on this machine may check limits too.',
    ),
  ALLOW_PRIVATE_TARGETS: value
    .truth()
    .prefault('false')
    .describe('Whether links may lead to private, loopback and link-local addresses.'),
  TRUSTED_PROXIES: value
    .networks()
    .prefault('')
    .describe('Proxies whose `X-Forwarded-For` is believed: addresses, networks, or `loopback`. Default: none.'),
  ROLE: value
    .oneOf('all', 'web')
    .prefault('all')
    .describe('`web` only records clicks and leaves counting them to `spillway worker`. Needs `DATABASE_URL`.'),
  WORKERS: value
    .integer(1, 128)
    .prefault('1')
    .describe('Processes that share the port. More than one needs `DATABASE_URL`.'),
  EXPECTED_INSTANCES: value
    .integer(1, 10_000)
    .prefault('1')
    .describe('At least how many instances share a limit until the store has told for 1.25 s how many there are.'),
  INSTANCE: value
    .instanceName()
    .optional()
    .describe(
      'The name of this instance in `X-Served-By`, metrics and its spool. Unique among those that share `DATA_DIR`. Default: the host name and the port.',
    ),
  LOG_LEVEL: value
    .oneOf('debug', 'info', 'warn', 'error', 'silent')
    .prefault('info')
    .describe('What is logged, as JSON lines on standard error.'),
  COUNTRY_DATABASE: value
    .path()
    .prefault('packaged')
    .describe('Countries by address: `packaged`, `off`, or the path of another file in MaxMind format.'),
  ALLOW_REPLAY_TIME: value
    .truth()
    .prefault('false')
    .describe(
      'Whether a trusted proxy may say in `X-Spillway-Time` when a click was made. For `spillway replay`; never where people click.',
    ),
  REQUESTS_KEEP: value
    .millisecondsOrOff(86_400_000, 34_560_000_000)
    .prefault('7d')
    .describe(
      'How long the log of requests is kept, at least a day; PostgreSQL gives it up by whole days (UTC). `off`: no request is recorded, and none given up.',
    ),
  REQUESTS_SAMPLE: value
    .integer(1, 1_000_000)
    .prefault('100')
    .describe('One in so many redirects, picked at random, stands for them all in the log of requests.'),
  REQUESTS_RATE: value
    .integer(1, 1_000_000)
    .prefault('1000')
    .describe(
      'Most requests other than redirects that each process records a second, each by itself; beyond it one in `REQUESTS_SAMPLE` stands for the rest.',
    ),
  LIMIT_REDIRECT: value
    .rate()
    .prefault('100/s burst 500')
    .describe('Redirects per client address (IPv6: per /64), over all instances together.'),
  LIMIT_MISS: value
    .rate()
    .prefault('10/s burst 100')
    .describe(
      'Look-ups per client that found nothing: what a client may guess. As many API keys that are not known, counted apart.',
    ),
  PLANS_FILE: value
    .path()
    .optional()
    .describe(
      'Plans of API keys as JSON, read again twice a second: see [plans](../1.guide/plans.md). Unset: `free` (10 a minute) and `premium` (50), for keys that were given one. Plans put with `/api/v1/plans` go before either.',
    ),
  LIMIT_API: value
    .rate()
    .prefault('100/s burst 1000')
    .describe(
      'API calls of a key that was given no plan, where there is neither a `PLANS_FILE` nor a default plan in the database. The admin key has no limit.',
    ),
  LIMIT_CREATE: value.rate().prefault('10/m burst 20').describe('Links made without a key, per client.'),
  LIMIT_PASSWORD: value
    .rate()
    .prefault('10/m burst 10')
    .describe('Wrong passwords per client and link. Right ones are not counted, those being checked are.'),
  CACHE_L1: value.oneOf('on', 'off').prefault('on').describe('Links kept in the process.'),
  CACHE_L2: value.oneOf('on', 'off').prefault('on').describe('Links kept in Redis, where there is one.'),
  CACHE_ENTRIES: value.integer(1, 100_000_000).prefault('200000').describe('Most links kept in the process.'),
  CACHE_TTL: value.milliseconds(1_000, 604_800_000).prefault('1h').describe('How long a link stays in Redis.'),
  LOADS: value
    .integer(1, 1000)
    .prefault('8')
    .describe(
      'Most queries at the same time that look links up for redirects, per process. Each answers up to fifty look-ups; as many again may wait, the rest is refused.',
    ),
});

export type Environment = z.output<typeof environment>;
