import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { ConfigurationError, type Issue } from '@spillway/kernel';
import { type Environment, environment } from './config/environment.ts';
import { misspeltSettings } from './config/misspelt.ts';
import type { Endpoint, Rate } from './config/values.ts';

export type { Endpoint, Rate } from './config/values.ts';

/** Where the truth lives. */
export type DatabaseConfig =
  | { readonly kind: 'sqlite' }
  | { readonly kind: 'postgres'; readonly url: string; readonly pool: number; readonly timeoutMs: number };

/** Where shared state lives. */
export type RedisConfig = (
  | { readonly kind: 'plain'; readonly url: string }
  | { readonly kind: 'sentinel'; readonly sentinels: readonly Endpoint[]; readonly master: string }
  | { readonly kind: 'cluster'; readonly nodes: readonly Endpoint[] }
) & { readonly timeoutMs: number; readonly username: string | undefined; readonly password: string | undefined };

/** All settings, checked. Made once by `parseConfig`; nothing else reads the environment. */
export interface Config {
  readonly port: number;
  readonly host: string | undefined;
  /** Without a trailing slash. */
  readonly publicUrl: string;
  readonly domains: readonly string[];
  /** Absolute. */
  readonly dataDir: string;
  readonly database: DatabaseConfig;
  readonly redis: RedisConfig | undefined;
  readonly redisCache: RedisConfig | undefined;
  readonly prefix: string;
  readonly secret: string | undefined;
  readonly adminKey: string | undefined;
  readonly anonymousCreate: 'local' | 'off' | 'limited';
  readonly allowPrivateTargets: boolean;
  readonly trustedProxies: readonly string[];
  readonly role: 'all' | 'web';
  readonly workers: number;
  readonly expectedInstances: number;
  readonly instance: string;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent';
  /** `packaged`, `off` or a path. */
  readonly countryDatabase: string;
  readonly replayTime: 'believed' | 'ignored';
  /** The log of requests. */
  readonly requests: {
    readonly keepMs: number | 'off';
    /** One in so many redirects is recorded. */
    readonly sample: number;
    /** Other requests that each process records a second, each. */
    readonly perSecond: number;
  };
  readonly limits: Readonly<Record<'redirect' | 'miss' | 'api' | 'create' | 'password', Rate | 'off'>>;
  /** Absolute; undefined: the plans that are shipped. */
  readonly plansFile: string | undefined;
  readonly cache: {
    readonly l1: 'on' | 'off';
    readonly l2: 'on' | 'off';
    readonly maxEntries: number;
    readonly ttlMs: number;
    readonly concurrentLoads: number;
  };
}

/**
 * Reads the settings from `variables`, normally `process.env`.
 * @throws {ConfigurationError} with every mistake at once
 */
export function parseConfig(variables: Readonly<Record<string, string | undefined>>): Config {
  const given: Record<string, string> = {};
  for (const name of Object.keys(environment.shape)) {
    const text = variables[name];
    if (text !== undefined && text.trim() !== '') given[name] = text;
  }
  const result = environment.safeParse(given);
  const issues: Issue[] = [
    ...(result.error?.issues ?? []).map(({ path, message }) => ({ path: path.join('.'), message })),
    ...contradictions(given),
  ];
  if (result.data === undefined || issues.length > 0) {
    // What is missing may be there under a wrong name.
    throw new ConfigurationError('The configuration has mistakes:', [...issues, ...misspeltSettings(variables)]);
  }
  return toConfig(result.data);
}

/** What is wrong between settings; it looks at what was written, so that it can be told along with wrong values. */
function contradictions(given: Readonly<Record<string, string>>): Issue[] {
  const has = (name: string) => given[name] !== undefined;
  const issues: Issue[] = [];
  const add = (path: string, message: string) => issues.push({ path, message });
  const ways = ['REDIS_URL', 'REDIS_SENTINELS', 'REDIS_CLUSTER'].filter(has);
  if (ways.length > 1) add(ways[1] ?? '', `can not stand beside ${ways[0]}; keep one of them`);
  if (has('REDIS_SENTINELS') && !has('REDIS_MASTER'))
    add('REDIS_MASTER', 'is needed with REDIS_SENTINELS, e.g. "mymaster"');
  if (has('REDIS_MASTER') && !has('REDIS_SENTINELS')) add('REDIS_SENTINELS', 'is needed with REDIS_MASTER');
  if (has('REDIS_CACHE_URL') && ways.length === 0)
    add('REDIS_URL', 'is needed with REDIS_CACHE_URL, for all but the cache');
  if (!has('DATABASE_URL')) {
    if (ways[0] !== undefined) {
      add('DATABASE_URL', `is needed with ${ways[0]}: Redis can forget, so links live in PostgreSQL`);
    }
    if (has('WORKERS') && given.WORKERS?.trim() !== '1') {
      add('WORKERS', `must be 1 without DATABASE_URL, got "${given.WORKERS}": the embedded database takes one process`);
    }
    if (given.ROLE?.trim() === 'web')
      add('ROLE', 'can be "web" only with DATABASE_URL: embedded, the same process counts');
  } else if (!has('SPILLWAY_SECRET')) {
    add(
      'SPILLWAY_SECRET',
      'is needed with DATABASE_URL, the same on every instance; make one with "openssl rand -hex 32"',
    );
  }
  return issues;
}

function toConfig(e: Environment): Config {
  const publicUrl = (e.PUBLIC_URL ?? `http://localhost:${e.PORT}`).replace(/\/+$/, '');
  const redis = toRedisConfig(e);
  return {
    port: e.PORT,
    host: e.HOST,
    publicUrl,
    domains: e.DOMAINS.filter((host) => host !== new URL(publicUrl).host),
    dataDir: resolve(e.DATA_DIR),
    database:
      e.DATABASE_URL === undefined
        ? { kind: 'sqlite' }
        : { kind: 'postgres', url: e.DATABASE_URL, pool: e.DATABASE_POOL, timeoutMs: e.DATABASE_TIMEOUT },
    redis,
    redisCache:
      e.REDIS_CACHE_URL === undefined
        ? undefined
        : {
            kind: 'plain',
            url: e.REDIS_CACHE_URL,
            timeoutMs: e.REDIS_TIMEOUT,
            username: undefined,
            password: undefined,
          },
    prefix: e.REDIS_PREFIX,
    secret: e.SPILLWAY_SECRET,
    adminKey: e.ADMIN_KEY,
    anonymousCreate: e.ANONYMOUS_CREATE,
    allowPrivateTargets: e.ALLOW_PRIVATE_TARGETS,
    trustedProxies: e.TRUSTED_PROXIES,
    role: e.ROLE,
    workers: e.WORKERS,
    expectedInstances: e.EXPECTED_INSTANCES,
    instance:
      e.INSTANCE ??
      `${
        hostname()
          .replace(/[^0-9A-Za-z._-]/g, '-')
          .slice(0, 50) || 'links'
      }-${e.PORT}`,
    logLevel: e.LOG_LEVEL,
    countryDatabase: e.COUNTRY_DATABASE,
    replayTime: e.ALLOW_REPLAY_TIME ? 'believed' : 'ignored',
    requests: { keepMs: e.REQUESTS_KEEP, sample: e.REQUESTS_SAMPLE, perSecond: e.REQUESTS_RATE },
    limits: {
      redirect: e.LIMIT_REDIRECT,
      miss: e.LIMIT_MISS,
      api: e.LIMIT_API,
      create: e.LIMIT_CREATE,
      password: e.LIMIT_PASSWORD,
    },
    plansFile: e.PLANS_FILE === undefined ? undefined : resolve(e.PLANS_FILE),
    cache: {
      l1: e.CACHE_L1,
      l2: e.CACHE_L2,
      maxEntries: e.CACHE_ENTRIES,
      ttlMs: e.CACHE_TTL,
      concurrentLoads: e.LOADS,
    },
  };
}

function toRedisConfig(e: Environment): RedisConfig | undefined {
  const common = { timeoutMs: e.REDIS_TIMEOUT, username: e.REDIS_USERNAME, password: e.REDIS_PASSWORD };
  if (e.REDIS_URL !== undefined) return { kind: 'plain', url: e.REDIS_URL, ...common };
  if (e.REDIS_CLUSTER !== undefined) return { kind: 'cluster', nodes: e.REDIS_CLUSTER, ...common };
  if (e.REDIS_SENTINELS === undefined || e.REDIS_MASTER === undefined) return undefined;
  return { kind: 'sentinel', sentinels: e.REDIS_SENTINELS, master: e.REDIS_MASTER, ...common };
}
