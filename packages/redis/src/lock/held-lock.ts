import { MAX_TIMER_MS } from '@spillway/kernel';
import type { RedisLink } from '../link.ts';
import { releaseScript, renewScript } from './lock-scripts.ts';

/** A lock that was taken. It is held until its lease ends, unless renewed in time. */
export interface Held {
  /** Greater than every token given before under this name. Hand it to what the lock protects: see `Lock`. */
  readonly token: number;
  /** False from the end of the lease on, by this process' monotonic clock. Ask right before each write. */
  readonly valid: boolean;
  /** Aborts when the lease ended without a renewal, or Redis says that somebody else holds the lock. Not by `release`. */
  readonly lost: AbortSignal;
  /**
   * Makes the lease last from now. False, and `lost`, when it was lost already.
   * @throws {StoreUnavailableError} when Redis does not answer; the lease then goes on to its old end
   */
  renew(): Promise<boolean>;
  /** Gives the lock back. False when it was lost already. Never throws: what can not be given back ends with its lease. */
  release(): Promise<boolean>;
}

export function holdLock(
  link: Pick<RedisLink, 'run'>,
  holding: { lockKey: string; holder: string; token: number; leaseMs: number; endsAtMs: number },
): Held {
  const { lockKey, holder, leaseMs } = holding;
  const lost = new AbortController();
  let endsAtMs = holding.endsAtMs;
  let released = false;
  let timer: NodeJS.Timeout | undefined;

  const lose = (why: string) => {
    clearTimeout(timer);
    if (!released) lost.abort(new Error(`The lock ${lockKey} was lost: ${why}`));
  };
  const watch = () => {
    clearTimeout(timer);
    const leftMs = endsAtMs - performance.now();
    if (leftMs <= 0) return lose('its lease ended');
    timer = setTimeout(watch, Math.min(leftMs + 1, MAX_TIMER_MS));
  };
  watch();

  return {
    token: holding.token,
    get valid() {
      return !released && !lost.signal.aborted && performance.now() < endsAtMs;
    },
    lost: lost.signal,
    renew: async () => {
      if (released || lost.signal.aborted) return false;
      const askedAtMs = performance.now();
      if (!(await link.run(renewScript, { lockKey, holder, leaseMs }))) {
        lose('Redis does not know its holder any more');
        return false;
      }
      // The answer may come after the old lease ended here: Redis had not ended it, so nobody came between.
      if (lost.signal.aborted || released) return false;
      endsAtMs = askedAtMs + leaseMs;
      watch();
      return !lost.signal.aborted;
    },
    release: async () => {
      if (released) return false;
      const valid = !lost.signal.aborted;
      released = true;
      clearTimeout(timer);
      const freed = await link.run(releaseScript, { lockKey, holder }).catch(() => false);
      return valid && freed;
    },
  };
}
