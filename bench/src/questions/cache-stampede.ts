import { setTimeout as sleep } from 'node:timers/promises';
import { type ChildProcessHandle, spawnProcess, startRedis } from '@spillway/testkit';
import type { Stampede } from '../contestants/stampeder.ts';
import { defineBench, inTurns, median } from '../harness.ts';

const PROCESSES = 3;
const LOAD_MS = 20;
const NEWS_MS = 100;

interface Round {
  readonly cold: readonly Stampede[];
  readonly changed: readonly Stampede[];
}

export const bench = defineBench({
  name: 'cache-stampede',
  question: 'How often is a key loaded that many callers in several processes miss at once?',
  async run({ size }) {
    const [rounds, callers] = size === 'full' ? [20, 10_000] : [2, 300];
    const redis = await startRedis();
    const groups = { everywhere: [] as Stampeder[], perProcess: [] as Stampeder[] };
    try {
      for (const [name, group] of Object.entries(groups)) {
        const across = name === 'everywhere' ? 'processes' : 'process';
        for (let i = 0; i < PROCESSES; i += 1) group.push(startStampeder(redis.url, `${name} ${i}`, across));
        await Promise.all(group.map(({ process }) => process.ready));
      }
      let keys = 0;
      const each = Math.ceil(callers / PROCESSES);
      const drive = (group: readonly Stampeder[]) => async (): Promise<Round> => {
        keys += 1;
        const key = `key-${keys}`;
        const all = async (): Promise<Stampede[]> => {
          const answers = await Promise.all(group.map(({ ask }) => ask(`${key} ${each}`)));
          return answers.map((answer) => JSON.parse(answer) as Stampede);
        };
        const cold = await all();
        await group[0]?.ask(`${key} invalidate`);
        // Whoever asks before the news has come by loads, and begins again when it does.
        await sleep(NEWS_MS);
        return { cold, changed: await all() };
      };
      const turns = { everywhere: drive(groups.everywhere), perProcess: drive(groups.perProcess) };
      await turns.everywhere();
      await turns.perProcess();
      const taken = await inTurns(rounds, turns);
      const stampedes = Object.values(taken)
        .flat()
        .flatMap(({ cold, changed }) => [...cold, ...changed]);
      const wrong = stampedes.reduce((sum, entry) => sum + entry.wrong, 0);
      if (wrong > 0) throw new Error(`${wrong} callers got a wrong value`);
      const loadsOf = (entries: readonly Stampede[]) => entries.reduce((sum, { loads }) => sum + loads, 0);
      const most = (of: readonly Round[], kind: keyof Round) => Math.max(...of.map((round) => loadsOf(round[kind])));
      const last = (of: readonly Round[], kind: keyof Round) =>
        median(of.map((round) => Math.max(...round[kind].map(({ ms }) => ms))));
      const cpu = (of: readonly Round[]) =>
        median(of.map(({ cold }) => (cold.reduce((sum, { cpuMs }) => sum + cpuMs, 0) * 1_000) / (each * PROCESSES)));
      const row = (contestant: string, of: readonly Round[]) => ({
        contestant,
        values: {
          'loads, cold key': most(of, 'cold'),
          'loads, changed key': most(of, 'changed'),
          'ms to the last answer, cold': last(of, 'cold'),
          'ms to the last answer, changed': last(of, 'changed'),
          'CPU us/caller': cpu(of),
        },
      });
      const loads = { bar: 1, better: 'lower' } as const;
      return {
        figures: [row("across: 'processes'", taken.everywhere), row("across: 'process'", taken.perProcess)],
        ratios: [
          { what: 'loads of a cold key, the most of all rounds', value: most(taken.everywhere, 'cold'), ...loads },
          { what: 'loads of a changed key, the same', value: most(taken.everywhere, 'changed'), ...loads },
        ],
        checked: `${(each * PROCESSES).toLocaleString('en-US')} callers a round and key, each with the right value.`,
        notes: [
          `${PROCESSES} processes, ${rounds} rounds in turns; each load takes ${LOAD_MS} ms and brings 1 kB. L1 is off; a changed key is asked for ${NEWS_MS} ms after its invalidation, when all have heard of it.`,
        ],
        chart: 'loads, cold key',
      };
    } finally {
      for (const { process } of [...groups.everywhere, ...groups.perProcess]) await process.close();
      await redis.close();
    }
  },
});

interface Stampeder {
  readonly process: ChildProcessHandle;
  /** One at a time. */
  ask(line: string): Promise<string>;
}

function startStampeder(redisUrl: string, name: string, across: string): Stampeder {
  let waiting: ((answer: string) => void) | undefined;
  const process = spawnProcess({
    name: `stampeder ${name}`,
    module: new URL('../contestants/stampeder.ts', import.meta.url),
    nodeArgs: ['--conditions=spillway-source'],
    env: { REDIS_URL: redisUrl, ACROSS: across, LOAD_MS: String(LOAD_MS) },
    readyWhen: (line) => line === 'ready',
    onLine: (line, from) => {
      if (from === 'stdout' && line.startsWith('done ')) waiting?.(line.slice(5));
    },
  });
  return {
    process,
    ask: (line) =>
      new Promise((resolve, reject) => {
        waiting = resolve;
        void process.exited.then(({ code, signal }) => reject(new Error(`it ended with ${code ?? signal}`)));
        process.write(`${line}\n`);
      }),
  };
}
