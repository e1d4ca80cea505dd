import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { ConfigurationError, type Duration, StoreUnavailableError, toMs } from '@spillway/kernel';
import { createKeys } from '../core/keys.ts';
import type { RedisLink } from '../link.ts';
import { type Held, holdLock } from './held-lock.ts';
import { acquireScript, releaseScript } from './lock-scripts.ts';

/** Longest pause between two tries of a waiter. */
const LONGEST_PAUSE_MS = 1_000;

/**
 * A mutual exclusion with leases, on one Redis.
 *
 * **What it promises.** While Redis keeps its memory, two holders' leases do not overlap on Redis' clock. A holder that is
 * stopped past its lease is not told in time: nothing can be. So what the lock protects must compare tokens, and refuse one
 * smaller than the greatest it has seen; then a late writer can not write. A release or renewal that comes late can not touch
 * another's lock.
 *
 * **What it does not.** A Redis that lost its memory (FLUSHALL, a fail-over to a lagging replica) can give the lock to
 * a second holder while the first still has its lease: the fencing token then tells the two apart. Tokens grow even so, since
 * they are at least Redis' clock in microseconds; they could repeat only if Redis lost its memory *and* its clock was set
 * back, or a fail-over went to a machine whose clock is behind by more than the time since the last token.
 */
export interface Lock {
  /** Takes the lock if nobody holds it, else resolves to undefined at once. */
  tryAcquire(name: string, options: { readonly lease: Duration }): Promise<Held | undefined>;
  /**
   * Waits until the lock is taken, or `signal` aborts. Not fair: whoever asks at the right moment gets it.
   * @throws {StoreUnavailableError} when Redis does not answer: a lock fails closed
   */
  acquire(name: string, options: { readonly lease: Duration; readonly signal?: AbortSignal }): Promise<Held>;
}

/** Locks on `link`. Instances that shall exclude each other use the same `prefix`, default `"spillway"`. */
export function createLock(link: Pick<RedisLink, 'run'>, options: { readonly prefix?: string } = {}): Lock {
  const keys = createKeys({ prefix: options.prefix ?? 'spillway', package: 'lock', version: 1 });

  const attempt = async (name: string, leaseMs: number): Promise<Held | number> => {
    const lockKey = keys(name);
    // A name per attempt: what a late command of an earlier attempt does, it does to that attempt only.
    const holder = randomUUID();
    // The lease is counted from before the request left, on this process' monotonic clock: it ends here before it ends there.
    const askedAtMs = performance.now();
    try {
      const reply = await link.run(acquireScript, { lockKey, tokenKey: keys(name, 'token'), holder, leaseMs });
      if (!reply.taken) return reply.leftMs;
      return holdLock(link, { lockKey, holder, token: reply.token, leaseMs, endsAtMs: askedAtMs + leaseMs });
    } catch (error) {
      // It may have been taken, or be taken later, for nobody. Give it back, as far as that works; else its lease ends it.
      if (error instanceof StoreUnavailableError) link.run(releaseScript, { lockKey, holder }).catch(() => undefined);
      throw error;
    }
  };

  return {
    tryAcquire: async (name, { lease }) => {
      const result = await attempt(name, toLeaseMs(lease));
      return typeof result === 'number' ? undefined : result;
    },
    acquire: async (name, { lease, signal }) => {
      const leaseMs = toLeaseMs(lease);
      for (let pauseMs = 10; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
        signal?.throwIfAborted();
        const result = await attempt(name, leaseMs);
        if (typeof result !== 'number') return result;
        const leftMs = Math.max(1, result);
        await sleep(
          Math.min(pauseMs * (0.5 + Math.random() / 2), leftMs),
          undefined,
          signal === undefined ? {} : { signal },
        );
      }
    },
  };
}

function toLeaseMs(lease: Duration): number {
  const leaseMs = toMs(lease);
  if (leaseMs < 10) throw new ConfigurationError(`A lease of "${lease}" ends before it begins; write at least "10ms"`);
  return leaseMs;
}
