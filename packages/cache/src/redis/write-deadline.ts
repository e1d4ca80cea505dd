import { type Clock, StoreUnavailableError } from '@spillway/kernel';
import type { RedisLink } from '@spillway/redis';
import { toMilliseconds } from './scripts.ts';
import { createStoreClock } from './store-clock.ts';

/**
 * A command past its deadline may still run, at any later time. Writes that are not harmless then carry a moment of the server's clock
 * after which their script refuses them: at most half a deadline after their sender gave up, as far as its idea of that clock can be off.
 */
export interface WriteDeadline {
  /** For a write that is sent now. @throws {StoreUnavailableError} when the server does not tell its time */
  notAfterMs(): Promise<number>;
  /** The script refused it as late: nothing was written. */
  late(operation: string): StoreUnavailableError;
}

export function createWriteDeadline(
  link: Pick<RedisLink, 'command' | 'onState' | 'deadlineMs'>,
  clock: Clock,
): WriteDeadline {
  const time = createStoreClock(clock, async () => toMilliseconds('TIME', await link.command('TIME', [])));
  // It may be another server now.
  link.onState((state) => {
    if (state !== 'down') time.reset();
  });
  return {
    async notAfterMs() {
      await time.ready();
      return Math.ceil(time.nowMs() + link.deadlineMs);
    },
    late(operation) {
      time.reset();
      return new StoreUnavailableError(operation, undefined, 'was reached too late, and wrote nothing');
    },
  };
}

/** Refuses what comes after ARGV[1]. */
export const refuseLateLua = `
local time = redis.call('TIME')
if tonumber(time[1]) * 1000 + tonumber(time[2]) / 1000 > tonumber(ARGV[1]) then return 'late' end
`;
