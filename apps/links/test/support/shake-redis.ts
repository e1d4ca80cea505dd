import type { Random } from '@spillway/kernel';
import { type RedisServer, until } from '@spillway/testkit';

/** What can happen to a Redis. Those that last are ended by `undo`. */
const FAULTS = ['flush', 'forget', 'kill', 'stop'] as const;
export type RedisFault = (typeof FAULTS)[number];

/**
 * Lets everything happen to a Redis while work goes on, `rounds` times in an order that `random` decides, and leaves it up. Paced by
 * the work, not by a clock: `progress` goes from 0 to 1, and a fault lasts until a share of it was made. `forget` brings back
 * the data of the latest snapshot. Returns what it did.
 */
export async function shakeRedis(
  redis: RedisServer,
  options: { readonly progress: () => number; readonly random: Random; readonly rounds?: number },
): Promise<readonly RedisFault[]> {
  const { progress, random, rounds = 2 } = options;
  const faults = Array.from({ length: rounds }, () => shuffled(FAULTS, random)).flat();
  const done: RedisFault[] = [];
  // Half of each slot is spent in the fault, half in recovery.
  const slot = 1 / faults.length;
  const reach = (share: number) =>
    until(() => progress() >= share, { timeoutMs: 120_000, everyMs: 2, what: `the work to reach ${share}` });
  for (const [i, fault] of faults.entries()) {
    await reach(i * slot);
    await break_(redis, fault);
    done.push(fault);
    await reach((i + 0.5) * slot);
    await mend(redis, fault);
  }
  return done;
}

async function break_(redis: RedisServer, fault: RedisFault): Promise<void> {
  switch (fault) {
    case 'flush':
      await redis.command('FLUSHALL');
      return;
    case 'forget':
      await redis.restoreSnapshot();
      return;
    case 'kill':
      await redis.kill();
      return;
    case 'stop':
      redis.pause();
      return;
    default:
      fault satisfies never;
  }
}

async function mend(redis: RedisServer, fault: RedisFault): Promise<void> {
  if (fault === 'kill') await redis.restart();
  if (fault === 'stop') redis.resume();
}

function shuffled<Item>(items: readonly Item[], random: Random): Item[] {
  return items
    .map((item) => ({ item, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}
