import { startRedis } from '@spillway/testkit';
import { type BenchOptions, type Figure, inTurns, median } from '../harness.ts';
import { checkLimit, clients, type Pace, pace } from './in-flight.ts';
import { type Contest, type Contestant, fastClient } from './redis-contestants.ts';

export const KEYS = 1000;
export const IN_FLIGHT = 256;

/** Far above what is taken: a refusal would be answered from memory, by some. */
const PLENTY = 1_000_000;
const CHECKED = 100;

export interface Compared {
  readonly rounds: Readonly<Record<string, readonly Pace[]>>;
  readonly figures: readonly Figure[];
}

/** Takes from contestants in turns, on one Redis, each checked before. Beside: what a decision costs the server. */
export async function compareOnRedis(
  contests: Readonly<Record<string, Contest>>,
  { size, log }: BenchOptions,
): Promise<Compared> {
  const [rounds, seconds] = size === 'full' ? [5, 1.5] : [1, 0.2];
  await using redis = await startRedis();
  const info = fastClient(redis.url);
  const open: Contestant[] = [];
  const serverUs = async (): Promise<number> => {
    const text = await info.info('cpu');
    const of = (name: string): number => Number(new RegExp(`^${name}:([\\d.]+)`, 'm').exec(text)?.[1]);
    return 1_000_000 * (of('used_cpu_user') + of('used_cpu_sys'));
  };
  try {
    const keys = clients(KEYS);
    const server: Record<string, number[]> = {};
    const takers: Record<string, () => Promise<Pace>> = {};
    for (const [name, contest] of Object.entries(contests)) {
      const small = await contest(redis.url, CHECKED);
      open.push(small);
      await checkLimit(name, small.take, CHECKED);
      const contestant = await contest(redis.url, PLENTY);
      open.push(contestant);
      // Warm-up.
      await pace(contestant.take, keys, IN_FLIGHT, seconds / 2);
      takers[name] = async () => {
        const before = await serverUs();
        const taken = await pace(contestant.take, keys, IN_FLIGHT, seconds);
        server[name] = [...(server[name] ?? []), ((await serverUs()) - before) / (taken.perSecond * seconds)];
        return taken;
      };
    }
    const taken = await inTurns(rounds, takers);
    const figures = Object.entries(taken).map(([contestant, paces]) => ({
      contestant,
      values: {
        'decisions/s': median(paces.map(({ perSecond }) => perSecond)),
        'CPU us/decision': median(paces.map(({ cpuUs }) => cpuUs)),
        'Redis CPU us/decision': median(server[contestant] ?? []),
      },
    }));
    for (const { contestant, values } of figures) log(`${contestant}: ${Math.round(values['decisions/s'])} a second`);
    return { rounds: taken, figures };
  } finally {
    await Promise.all(open.map((each) => each.close()));
    info.disconnect();
  }
}

export const perSecond = (paces: readonly Pace[] | undefined): number[] =>
  (paces ?? []).map((round) => round.perSecond);
