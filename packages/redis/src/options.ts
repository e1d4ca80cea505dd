import type { ConnectionOptions } from 'node:tls';
import { ConfigurationError, type Duration, type Issue, type Random, toMs } from '@spillway/kernel';

export interface RedisAddress {
  readonly host: string;
  readonly port: number;
}

/** One server: `redis://user:password@host:6379/0`, or `rediss://` for TLS. */
export interface PlainOptions {
  readonly url: string;
}

/** A master watched by Sentinels. */
export interface SentinelOptions {
  readonly sentinels: readonly RedisAddress[];
  /** The name the Sentinels know the master by. */
  readonly master: string;
  readonly sentinelUsername?: string;
  readonly sentinelPassword?: string;
}

/** A Redis Cluster, by some of its nodes. */
export interface ClusterOptions {
  readonly cluster: readonly RedisAddress[];
}

/** A client of your own, ioredis or node-redis, which you connect and close. It must not re-send: see `LentClient`. */
export interface LentOptions {
  readonly client: object;
}

export interface CommonOptions {
  /** For metrics and messages. Default: `"redis"`. */
  readonly name?: string;
  /** How long a command may take. Default: `"50ms"`. */
  readonly deadline?: Duration;
  /** ACL user; the one in `url` goes first. Not for lent clients. */
  readonly username?: string;
  readonly password?: string;
  /** Database number; the one in `url` goes first. Plain and Sentinel only. */
  readonly db?: number;
  /** TLS, with Node's defaults (`true`) or with options. */
  readonly tls?: boolean | ConnectionOptions;
  /** Commands that a server has not answered; beyond it new ones are refused. Default: 20,000. */
  readonly maxPending?: number;
  /** For the jitter of reconnects. Default: `Math.random`. */
  readonly random?: Random;
}

export type RedisOptions = (PlainOptions | SentinelOptions | ClusterOptions | LentOptions) & CommonOptions;

export interface ParsedOptions {
  readonly name: string;
  readonly deadlineMs: number;
  readonly maxPending: number;
  readonly random: Random;
  readonly db: number;
  readonly username?: string;
  readonly password?: string;
  readonly tls?: ConnectionOptions;
  readonly target:
    | ({ readonly kind: 'plain' } & RedisAddress)
    | ({ readonly kind: 'sentinel' } & SentinelOptions)
    | { readonly kind: 'cluster'; readonly nodes: readonly RedisAddress[] }
    | { readonly kind: 'lent'; readonly client: object };
}

/** @throws {ConfigurationError} naming all that is wrong */
export function parseOptions(options: RedisOptions): ParsedOptions {
  const issues: Issue[] = [];
  const kinds = (['url', 'sentinels', 'cluster', 'client'] as const).filter((kind) => kind in options);
  if (kinds.length !== 1) {
    const got = kinds.length === 0 ? 'none' : kinds.join(' and ');
    issues.push({ path: '', message: `give exactly one of url, sentinels, cluster and client, got ${got}` });
  }
  const url = 'url' in options ? parseUrl(options.url, issues) : undefined;
  if ('sentinels' in options) {
    checkAddresses('sentinels', options.sentinels, issues);
    if (typeof options.master !== 'string' || options.master === '') {
      issues.push({ path: 'master', message: `must be the name that the Sentinels use, got ${show(options.master)}` });
    }
  }
  if ('cluster' in options) checkAddresses('cluster', options.cluster, issues);
  if ('client' in options && (typeof options.client !== 'object' || options.client === null)) {
    issues.push({ path: 'client', message: `must be a client of ioredis or node-redis, got ${show(options.client)}` });
  }
  const deadlineMs = parseDeadline(options.deadline ?? '50ms', issues);
  const maxPending = options.maxPending ?? 20_000;
  if (!Number.isSafeInteger(maxPending) || maxPending < 1) {
    issues.push({ path: 'maxPending', message: `must be an integer >= 1, got ${show(maxPending)}` });
  }
  const db = url?.db ?? options.db ?? 0;
  if (!Number.isSafeInteger(db) || db < 0)
    issues.push({ path: 'db', message: `must be an integer >= 0, got ${show(db)}` });
  if ('cluster' in options && db !== 0)
    issues.push({ path: 'db', message: `a Cluster has database 0 only, got ${db}` });
  if (issues.length > 0) throw new ConfigurationError('These Redis options do not work', issues);

  const username = url?.username ?? options.username;
  const password = url?.password ?? options.password;
  const tls = options.tls ?? url?.tls ?? false;
  return {
    name: options.name ?? 'redis',
    deadlineMs,
    maxPending,
    random: options.random ?? Math.random,
    db,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(tls === false ? {} : { tls: tls === true ? {} : tls }),
    target: toTarget(options, url),
  };
}

function toTarget(options: RedisOptions, url: ParsedUrl | undefined): ParsedOptions['target'] {
  if ('sentinels' in options) return { kind: 'sentinel', ...options };
  if ('cluster' in options) return { kind: 'cluster', nodes: options.cluster };
  if ('client' in options) return { kind: 'lent', client: options.client };
  return { kind: 'plain', host: url?.host ?? 'localhost', port: url?.port ?? 6379 };
}

interface ParsedUrl extends RedisAddress {
  readonly username?: string;
  readonly password?: string;
  readonly db?: number;
  readonly tls: boolean;
}

// Parsed here and not by the client, whose URLs take any of its options as a query: `?enableOfflineQueue=true`.
function parseUrl(text: string, issues: Issue[]): ParsedUrl | undefined {
  const fail = (why: string): undefined => {
    issues.push({ path: 'url', message: `${why}; write e.g. "redis://user:password@host:6379/0"` });
  };
  if (typeof text !== 'string' || !URL.canParse(text)) return fail('is not a URL');
  const url = new URL(text);
  if (url.protocol !== 'redis:' && url.protocol !== 'rediss:') {
    return fail(`must start with redis:// or rediss://, got "${url.protocol}//"`);
  }
  if (url.search !== '' || url.hash !== '') return fail(`takes no "?" and no "#", got "${url.search}${url.hash}"`);
  const path = url.pathname.replace(/^\//, '');
  if (!/^\d*$/.test(path)) return fail(`must end in a database number, got "/${path}"`);
  return {
    host: url.hostname === '' ? 'localhost' : url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? 6379 : Number(url.port),
    tls: url.protocol === 'rediss:',
    ...(url.username === '' ? {} : { username: decodeURIComponent(url.username) }),
    ...(url.password === '' ? {} : { password: decodeURIComponent(url.password) }),
    ...(path === '' ? {} : { db: Number(path) }),
  };
}

function checkAddresses(path: string, addresses: readonly RedisAddress[], issues: Issue[]): void {
  if (!Array.isArray(addresses) || addresses.length === 0) {
    issues.push({ path, message: `must name at least one { host, port }, got ${show(addresses)}` });
    return;
  }
  for (const [index, address] of addresses.entries()) {
    const right = typeof address?.host === 'string' && Number.isInteger(address.port) && address.port > 0;
    if (!right) issues.push({ path: `${path}[${index}]`, message: `must be { host, port }, got ${show(address)}` });
  }
}

function parseDeadline(deadline: Duration, issues: Issue[]): number {
  try {
    const ms = toMs(deadline);
    if (ms >= 1 && ms <= 60_000) return ms;
    issues.push({ path: 'deadline', message: `must be between 1ms and 60s, got "${deadline}"` });
  } catch (error) {
    issues.push({ path: 'deadline', message: error instanceof Error ? error.message : String(error) });
  }
  return 50;
}

const show = (value: unknown): string => JSON.stringify(value) ?? String(value);
