import type { Clock } from '@spillway/kernel';
import type { RedisLink } from '@spillway/redis';
import type { LeasedRead, LeaseSpace, LeaseTerms, StoreRead } from '../store.ts';
import { releaseLeaseScript, renewLeaseScript, takeLeaseScript } from './lease-scripts.ts';
import type { StoreClock } from './store-clock.ts';

export interface RedisLeaseParts {
  readonly link: Pick<RedisLink, 'get' | 'run'>;
  readonly clock: Clock;
  readonly time: StoreClock;
  readonly entryKey: (key: string) => string;
  readonly leaseKey: (key: string) => string;
  readonly nextToken: () => string;
  readonly parse: (raw: string | null) => StoreRead;
  readonly read: (key: string) => Promise<StoreRead>;
  /** Whether most look-ups find nothing, so that a miss should be one round trip, and a hit may cost more. */
  readonly takesFirst: () => boolean;
  readonly found: (something: boolean) => void;
  /** The first try was refused. Rethrows what is not a refusal. */
  readonly refused: (error: unknown) => void;
}

/** Leases in Redis, each a key beside its entry (Lua). */
export function redisLeases(parts: RedisLeaseParts): LeaseSpace {
  const { link, clock, time, entryKey, leaseKey, nextToken, parse } = parts;

  const take: LeaseSpace['take'] = async (key, seen, { leaseMs, claimMs }) => {
    const token = nextToken();
    const sentUs = clock.nowUs();
    const taking = { entryKey: entryKey(key), leaseKey: leaseKey(key), seen: seen ?? '', token, claimMs, leaseMs };
    const reply = await link.run(takeLeaseScript, taking);
    time.observe(reply.nowMs, sentUs);
    if (reply.kind === 'leased') return { kind: 'leased', token: reply.token };
    // What another process asks for may be longer than what this one would grant; neither is it longer by a step of the clock.
    if (reply.kind === 'loading') {
      return { kind: 'loading', token: reply.token, leftMs: Math.min(reply.leftMs, leaseMs) };
    }
    const read = parse(reply.entry);
    // The script answers nothing that is not an entry.
    return read.kind === 'absent' ? { kind: 'claimed', token } : read;
  };

  const lookFirst = async (key: string, terms: LeaseTerms): Promise<LeasedRead> => {
    try {
      const read = await take(key, undefined, terms);
      parts.found(read.kind !== 'leased' && read.kind !== 'loading');
      return read;
    } catch (error) {
      parts.refused(error);
      return parts.read(key);
    }
  };

  return {
    take,
    // Not an async function: a hit has one promise less so.
    look: (key, terms) => (parts.takesFirst() ? lookFirst(key, terms) : parts.read(key)),
    renew: (key, token, leaseMs) =>
      link.run(renewLeaseScript, { entryKey: entryKey(key), leaseKey: leaseKey(key), token, leaseMs }),
    // A GET costs a fraction of a script. What it leaves there counts no more, since the entry has another token, and ends soon.
    release: (key, token, ended) =>
      ended === 'filled'
        ? link.get(leaseKey(key)).then((lease) => waitedFor(lease, token))
        : link.run(releaseLeaseScript, { leaseKey: leaseKey(key), token }),
  };
}

/** See `lease.lua.ts` for the format. */
function waitedFor(lease: string | null, token: string): 'unwaited' | 'waited' | 'lost' {
  if (lease?.startsWith(token) !== true) return 'lost';
  return lease.length > UNMARKED_LENGTH ? 'waited' : 'unwaited';
}

const UNMARKED_LENGTH = 29;
