import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ChildProcessHandle, spawnProcess, startRedis, temporaryDirectory } from '@spillway/testkit';
import type { Phase, PhasePlan, TakerSettings } from '../contestants/lease-taker.ts';
import { defineBench, type Figure, inTurns, median, medianRatio, type Ratio } from '../harness.ts';
import { checkHistory } from '../limits/lease-history.ts';
import { fastClient } from '../limits/redis-contestants.ts';

const PROCESSES = 3;
const KEYS = 1000;
const MAX_AGE_MS = 1000;
const PEER = 'rate-limiter-flexible';
/** Takes go to it in this part of its limit: what the hottest key is offered. */
const OFFERED = 0.5;

const OUT_OF_REACH = 2_000_000;

const LOADS = { even: false, skewed: true };

/** All processes together. */
interface Round {
  readonly perSecond: number;
  readonly cpuUs: number;
  readonly redisCpuUs: number;
  readonly leased: number;
  readonly offered: number;
}

export const bench = defineBench({
  name: 'limit-lease',
  question: `How many decisions a second do ${PROCESSES} processes make by leases, over ${KEYS} shared keys at half their limit?`,
  async run({ size, log }) {
    const [rounds, warmMs, measuredMs] = size === 'full' ? [3, 500, 1500] : [1, 200, 200];
    await using redis = await startRedis();
    await using directory = temporaryDirectory({ name: 'limit-lease' });
    const client = fastClient(redis.url);
    const takers: ChildProcessHandle[] = [];
    const fileOf = (at: number): string => join(directory.path, `taker-${at}`);

    const redisMs = async (): Promise<number> => {
      const [seconds, micros] = await client.time();
      return Number(seconds) * 1000 + Math.floor(Number(micros) / 1000);
    };
    const serverUs = async (): Promise<number> => {
      const text = await client.info('cpu');
      const of = (name: string): number => Number(new RegExp(`^${name}:([\\d.]+)`, 'm').exec(text)?.[1]);
      return 1_000_000 * (of('used_cpu_user') + of('used_cpu_sys'));
    };
    const phase = async (plan: Omit<PhasePlan, 'startMs' | 'file'>): Promise<readonly Phase[]> => {
      const startMs = (await redisMs()) + 100;
      return Promise.all(takers.map((taker, at) => runPhase(taker, { ...plan, startMs, file: fileOf(at) })));
    };
    /** How near to the bound of leases the phase came. */
    const checkLeases = (phases: readonly Phase[], keys: number, perSecond: number): number => {
      const tables = takers.map((_, at) => new Uint16Array(new Uint8Array(readFileSync(fileOf(at))).buffer));
      const errorMs = 1 + Math.max(...phases.map(({ clockErrorMs }) => clockErrorMs));
      return checkHistory({ tables, keys, errorMs }, { capacity: perSecond, perSecond, maxAgeMs: MAX_AGE_MS });
    };
    const round = async (contestant: PhasePlan['contestant'], skewed: boolean, perSecond: number): Promise<Round> => {
      const before = await serverUs();
      const phases = await phase({ contestant, keys: KEYS, skewed, perSecond, warmMs, measuredMs });
      const redisUs = ((await serverUs()) - before) * (measuredMs / (warmMs + measuredMs));
      if (contestant === 'Spillway') checkLeases(phases, KEYS, perSecond);
      const sum = (of: (phase: Phase) => number): number => phases.reduce((all, each) => all + of(each), 0);
      const decisions = sum((each) => each.decisions);
      const refused = sum((each) => each.refused);
      if (refused > 0) throw new Error(`${contestant} refused ${refused} of ${decisions}, at half the limit or less`);
      const all = sum(({ decisions: taken, ms }) => (taken * 1000) / ms);
      return {
        perSecond: all,
        cpuUs: sum((each) => each.cpuUs) / decisions,
        redisCpuUs: redisUs / decisions,
        leased: sum((each) => each.leased) / decisions,
        offered: (all * hottest(skewed)) / perSecond,
      };
    };

    try {
      for (let at = 0; at < PROCESSES; at += 1) takers.push(startTaker(at, redis.url));
      await Promise.all(takers.map(({ ready }) => ready));
      const nearest = await checkBeyond();
      const figures: Figure[] = [];
      const ratios: Ratio[] = [];
      for (const [load, skewed] of Object.entries(LOADS)) {
        // Warm-up, with the limit out of reach.
        await round('Spillway', skewed, OUT_OF_REACH);
        await round(PEER, skewed, OUT_OF_REACH);
        const calibrated = await round('Spillway', skewed, OUT_OF_REACH);
        const perSecond = Number(((calibrated.perSecond * hottest(skewed)) / OFFERED).toPrecision(2));
        const taken = await inTurns(rounds, {
          Spillway: () => round('Spillway', skewed, perSecond),
          [PEER]: () => round(PEER, skewed, perSecond),
        });
        const ours = taken.Spillway ?? [];
        const theirs = taken[PEER] ?? [];
        for (const [contestant, each] of Object.entries(taken)) {
          const middle = (of: (of: Round) => number): number => median(each.map(of));
          const values = {
            'decisions/s': middle((of) => of.perSecond),
            'CPU us/decision': middle((of) => of.cpuUs),
            'Redis CPU us/decision': middle((of) => of.redisCpuUs),
            ...(contestant === PEER
              ? {}
              : {
                  'decided by a lease, %': 100 * middle((of) => of.leased),
                  'offered of the limit, %': 100 * middle((of) => of.offered),
                }),
          };
          figures.push({ contestant: `${contestant}, ${load}`, values });
          log(`${contestant}, ${load}: ${JSON.stringify(values)}`);
        }
        const pick = (rounds: readonly Round[], of: (of: Round) => number): number[] => rounds.map(of);
        ratios.push(
          {
            what: `decisions/s to ${PEER}, ${load}`,
            value: medianRatio(
              pick(ours, (of) => of.perSecond),
              pick(theirs, (of) => of.perSecond),
            ),
            bar: 10,
            beyond: 30,
            better: 'higher',
          },
          {
            what: `CPU time of ${PEER} to that of a decision, ${load}`,
            value: medianRatio(
              pick(theirs, (of) => of.cpuUs),
              pick(ours, (of) => of.cpuUs),
            ),
            better: 'higher',
          },
        );
      }
      return {
        figures,
        ratios,
        checked: `All were admitted, and over no interval was more admitted of a key than capacity + rate x (interval + maxAge), by a count for each millisecond and key; nor with 20 keys asked for far beyond their limit, where ${Math.round(100 * nearest)} % of that was used.`,
        notes: [
          'Three taking processes and Redis share the cores. Each process makes 256 takes in a turn of its event loop, which it lets go round.',
          `A token bucket, maxAge ${MAX_AGE_MS} ms, its limit (and capacity) twice what the hottest key was offered when the limit was out of reach; skewed is a Zipf law. The peer has a fixed window, and its limit out of reach.`,
        ],
        chart: 'decisions/s',
      };
    } finally {
      await Promise.all(takers.map((taker) => taker.close()));
      client.disconnect();
    }

    /** Far beyond their limit the keys get nearly all of it, and no more. */
    async function checkBeyond(): Promise<number> {
      const [keys, perSecond, ms] = [20, 400, 2000];
      const plan = {
        contestant: 'Spillway',
        keys,
        skewed: false,
        perSecond,
        warmMs: ms / 2,
        measuredMs: ms / 2,
      } as const;
      const phases = await phase(plan);
      const nearest = checkLeases(phases, keys, perSecond);
      const admitted = phases.reduce((all, { decisions, refused }) => all + decisions - refused, 0);
      const limit = (keys * perSecond * ms) / 2000;
      if (admitted < limit / 2) throw new Error(`Of a limit of ${limit}, only ${admitted} were admitted`);
      return nearest;
    }
  },
});

/** The part of all takes that the hottest key gets. */
function hottest(skewed: boolean): number {
  if (!skewed) return 1 / KEYS;
  let harmonic = 0;
  for (let at = 1; at <= KEYS; at += 1) harmonic += 1 / at;
  return 1 / harmonic;
}

const startTaker = (at: number, redisUrl: string): ChildProcessHandle =>
  spawnProcess({
    name: `taker ${at}`,
    module: new URL('../contestants/lease-taker.ts', import.meta.url),
    nodeArgs: ['--conditions=spillway-source'],
    env: {
      LEASE_TAKER: JSON.stringify({
        redisUrl,
        instance: `taker-${at}`,
        instances: PROCESSES,
        maxAgeMs: MAX_AGE_MS,
      } satisfies TakerSettings),
    },
    readyWhen: (line) => line === 'ready',
  });

async function runPhase(taker: ChildProcessHandle, plan: PhasePlan): Promise<Phase> {
  const seen = taker.stdout.length;
  taker.write(`${JSON.stringify(plan)}\n`);
  for (;;) {
    const line = taker.stdout.slice(seen).find((text) => text.startsWith('phase '));
    if (line !== undefined) return JSON.parse(line.slice('phase '.length)) as Phase;
    if (!taker.running) throw new Error(`${taker.name} ended: ${taker.stderr.slice(-5).join('\n')}`);
    await sleep(2);
  }
}
