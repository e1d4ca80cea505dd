import { randomBytes } from 'node:crypto';
import { type Clock, monotonicClock, StoreUnavailableError, systemClock } from '@spillway/kernel';
import { createKeys, type RedisLink, RedisReplyError } from '@spillway/redis';
import type { CacheSpace, CacheStore, StoreRead } from '../store.ts';
import { claimText, deletedText, entryText, parseEntry, timeText } from './entry-format.ts';
import { redisLeases } from './redis-leases.ts';
import { claimScript, fillScript, invalidateScript, toMilliseconds, touchScript } from './scripts.ts';
import { createServerMemory } from './server-memory.ts';
import { CLOCK_ERROR_MS, createStoreClock } from './store-clock.ts';
import { redisTagRecords } from './tag-records.ts';

export interface RedisCacheStoreOptions {
  /** Borrowed: whoever made it closes it. May be a Redis of its own, under an evicting `maxmemory-policy`. */
  readonly link: Pick<RedisLink, 'command' | 'get' | 'run' | 'state' | 'onState' | 'topology'>;
  /** First part of every key: the deployment's own. Default `spillway`. */
  readonly prefix?: string;
  /** Intervals only; default `monotonicClock`. */
  readonly clock?: Clock;
}

/**
 * L2 in Redis. A hit is one GET, together with others of its turn one MGET; a miss leaves a fill token (with the read itself where misses are usual), and the fill compares it (Lua). Every key has a TTL.
 * @throws {ConfigurationError} when `prefix` holds a character that keys can not
 */
export function redisCacheStore({
  link,
  prefix = 'spillway',
  clock = monotonicClock,
}: RedisCacheStoreOptions): CacheStore {
  const keyOf = createKeys({ prefix, package: 'cache', version: 1 });
  const nextId = createIds();
  const time = createStoreClock(clock, async () => {
    try {
      return toMilliseconds('TIME', await link.command('TIME', []));
    } catch (error) {
      // A user without the right to TIME: the hosts' clocks have to do.
      if (error instanceof RedisReplyError) return systemClock.nowUs() / 1_000;
      throw error;
    }
  });
  const memory = createServerMemory(link, time);
  link.onState((state, previous) => {
    if (state === 'down' || previous === 'up') return;
    time.reset();
    memory.reset();
  });
  // By cache: whoever opens the same one shares it.
  const disowned = new Map<string, number>();
  const ready = (): Promise<unknown> | undefined => memory.ready() ?? time.ready();

  return {
    get state() {
      return link.state;
    },
    onState: (listener) => link.onState(listener),
    open(name): CacheSpace {
      // By the key, so that a Cluster spreads them.
      const redisKey = (key: string): string => keyOf(key, name);
      const parse = (raw: string | null): StoreRead =>
        parseEntry(raw, time.nowMs(), { disownedMs: disowned.get(name) ?? 0, doubtedMs: memory.soundSinceMs });

      const claims = createClaimFirst(clock);
      const parseRead = (raw: string | null): StoreRead => {
        const read = parse(raw);
        claims.found(read.kind !== 'absent');
        return read;
      };
      const readOrClaim = async (at: string, forMs: number): Promise<StoreRead> => {
        const id = nextId();
        try {
          const raw = await link.command<string | null>('SET', [at, claimText(id), 'NX', 'GET', 'PX', forMs]);
          claims.found(raw !== null);
          return raw === null ? { kind: 'claimed', token: id } : parse(raw);
        } catch (error) {
          // A server that is full or a replica refuses it, one before Redis 7 does not know it, one that hands over holds it back.
          claims.refused();
          if (!isRefusal(error)) throw error;
          return parse(await link.command<string | null>('GET', [at]));
        }
      };

      const readOnly = (key: string, known = ready()): Promise<StoreRead> => {
        const reply = link.get(redisKey(key));
        if (known === undefined) return reply.then(parseRead);
        return Promise.all([reply, known]).then(([raw]) => parseRead(raw));
      };

      return {
        ...redisTagRecords(link, (tag) => keyOf(tag, name, 'tag'), nextId),
        read(key, claimMs) {
          const known = ready();
          if (claimMs !== undefined && claims.worthIt && known === undefined)
            return readOrClaim(redisKey(key), claimMs);
          return readOnly(key, known);
        },
        async claim(key, forMs) {
          const id = nextId();
          const sentUs = clock.nowUs();
          const { entry, nowMs } = await link.run(claimScript, { key: redisKey(key), claim: claimText(id), forMs });
          time.observe(nowMs, sentUs);
          const read = parse(entry);
          // The script answers nothing that is not an entry.
          return read.kind === 'absent' ? { kind: 'claimed', token: id } : read;
        },
        async fill(key, { token, text, freshForMs, keepForMs, loadedAgoMs, tags }) {
          const known = time.ready();
          if (known !== undefined) await known;
          const nowMs = time.nowMs();
          const entry = entryText(nextId(), text, nowMs - loadedAgoMs, nowMs + freshForMs, tags);
          return link.run(fillScript, { key: redisKey(key), token, entry, forMs: Math.max(1, Math.ceil(keepForMs)) });
        },
        async touch(key, { token, freshForMs, keepForMs }) {
          const known = time.ready();
          if (known !== undefined) await known;
          const freshUntil = timeText(time.nowMs() + freshForMs);
          return link.run(touchScript, {
            key: redisKey(key),
            token,
            freshUntil,
            forMs: Math.max(1, Math.ceil(keepForMs)),
          });
        },
        async invalidate(keys, rememberMs) {
          const forMs = Math.ceil(rememberMs);
          await Promise.all(
            keys.map((key) => link.run(invalidateScript, { key: redisKey(key), mark: deletedText(nextId()), forMs })),
          );
        },
        async replace(key, rememberMs) {
          const token = nextId();
          await link.command('SET', [redisKey(key), deletedText(token), 'PX', Math.ceil(rememberMs)]);
          return { token };
        },
        async forget() {
          time.reset();
          await time.ready();
          disowned.set(name, time.nowMs() + CLOCK_ERROR_MS);
        },
        leases: redisLeases({
          link,
          clock,
          time,
          entryKey: redisKey,
          leaseKey: (key) => keyOf(key, name, 'lease'),
          nextToken: nextId,
          parse,
          read: readOnly,
          takesFirst: () => claims.worthIt && ready() === undefined,
          found: claims.found,
          refused(error) {
            claims.refused();
            if (!isRefusal(error)) throw error;
          },
        }),
      };
    },
  };
}

/** Reads that are looked back upon, as a moving average. */
const READS = 16;

/** How long reads only read after a claim with one of them failed: what is there can be had without writing. */
const REFUSED_US = 10_000_000;

/** The server's answer, and not the lack of one: the read may be repeated without the claim. */
const isRefusal = (error: unknown): boolean =>
  error instanceof RedisReplyError ||
  (error instanceof StoreUnavailableError &&
    error.cause instanceof Error &&
    error.cause.message.startsWith('READONLY '));

/**
 * Whether a read should leave its claim at once, as one write that does nothing where there is something (`SET NX GET`): where most
 * of the last reads found nothing, that saves a second round trip for more than it costs.
 */
interface ClaimFirst {
  readonly worthIt: boolean;
  found(something: boolean): void;
  refused(): void;
}

function createClaimFirst(clock: Clock): ClaimFirst {
  let missing = 0;
  let notBeforeUs = 0;
  return {
    get worthIt() {
      return missing > 0.5 && clock.nowUs() >= notBeforeUs;
    },
    found(something) {
      missing += ((something ? 0 : 1) - missing) / READS;
    },
    refused() {
      notBeforeUs = clock.nowUs() + REFUSED_US;
    },
  };
}

/** 16 characters, never the same twice: 10 at random for this store, 6 counted. */
function createIds(): () => string {
  const own = randomBytes(8).readBigUInt64BE().toString(36).padStart(13, '0').slice(-10);
  let count = 0;
  return () => {
    count = (count + 1) % 36 ** 6;
    return own + count.toString(36).padStart(6, '0');
  };
}
