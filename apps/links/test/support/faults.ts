import type { Random } from '@spillway/kernel';
import { type PostgresServer, type RedisServer, until } from '@spillway/testkit';

/** Something that goes wrong for a while. */
export interface Fault {
  readonly name: string;
  begin(): Promise<void>;
  end(): Promise<void>;
}

const nothing = async () => undefined;

/** Forgets all, forgets what came after the latest snapshot, dies, hangs. */
export const redisFaults = (redis: RedisServer): readonly Fault[] => [
  { name: 'Redis is flushed', begin: async () => void (await redis.command('FLUSHALL')), end: nothing },
  { name: 'Redis comes back with an old snapshot', begin: () => redis.restoreSnapshot(), end: nothing },
  { name: 'Redis is killed', begin: () => redis.kill(), end: () => redis.restart() },
  { name: 'Redis is stopped', begin: async () => redis.pause(), end: async () => redis.resume() },
];

/** Dies, hangs. */
export const postgresFaults = (postgres: PostgresServer): readonly Fault[] => [
  { name: 'PostgreSQL is killed', begin: () => postgres.kill(), end: () => postgres.restart() },
  { name: 'PostgreSQL is stopped', begin: async () => postgres.pause(), end: async () => postgres.resume() },
];

/**
 * Lets all faults happen while work goes on, each `rounds` times, one after the other in an order that `random` decides. Paced by
 * the work, not by a clock: `progress` goes from 0 to 1, and a fault lasts until a share of it was made.
 */
export async function shake(
  faults: readonly Fault[],
  options: { readonly progress: () => number; readonly random: Random; readonly rounds?: number },
): Promise<void> {
  const { progress, random, rounds = 1 } = options;
  const schedule = Array.from({ length: rounds }, () => shuffled(faults, random)).flat();
  // Half of each slot is spent in the fault, half in recovery.
  const slot = 1 / schedule.length;
  const reach = (share: number, what: string) =>
    until(() => progress() >= share, { timeoutMs: 120_000, everyMs: 2, what: `the work to go on while ${what}` });
  for (const [i, fault] of schedule.entries()) {
    await reach(i * slot, 'all is well');
    await fault.begin();
    try {
      await reach((i + 0.5) * slot, fault.name);
    } finally {
      await fault.end();
    }
  }
}

function shuffled<Item>(items: readonly Item[], random: Random): Item[] {
  return items
    .map((item) => ({ item, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}
