import { type ChildProcessHandle, spawnProcess, until } from '@spillway/testkit';
import type { TakerReport, TakerSettings } from './taker-settings.ts';

export interface Takers {
  readonly processes: readonly ChildProcessHandle[];
  go(): void;
  /** What each admitted since `go`. */
  stop(): Promise<readonly TakerReport[]>;
  /** Resolves when every process counts this many. */
  knowInstances(count: number): Promise<void>;
  close(): Promise<void>;
}

export async function startTakers(count: number, settings: Omit<TakerSettings, 'instance'>): Promise<Takers> {
  const processes = Array.from({ length: count }, (_, at) =>
    spawnProcess({
      name: `taker ${at}`,
      module: new URL('./taker.ts', import.meta.url),
      env: { TAKER: JSON.stringify({ ...settings, instance: `taker-${at}` } satisfies TakerSettings) },
      readyWhen: (line) => line === 'ready',
    }),
  );
  const close = async () => {
    await Promise.all(processes.map((process) => process.close()));
  };
  try {
    await Promise.all(processes.map(({ ready }) => ready));
  } catch (error) {
    await close();
    throw error;
  }
  const ask = async <Answer>(process: ChildProcessHandle, command: string): Promise<Answer> => {
    const lines = process.stdout.length;
    process.write(`${command}\n`);
    const line = await until(() => process.stdout[lines], { what: `${process.name} to answer "${command}"` });
    return JSON.parse(line) as Answer;
  };
  return {
    processes,
    go() {
      for (const process of processes) process.write('go\n');
    },
    stop: () => Promise.all(processes.map((process) => ask<TakerReport>(process, 'stop'))),
    knowInstances: (wanted) =>
      until(
        async () => {
          const answers = await Promise.all(processes.map((one) => ask<{ instances: number }>(one, 'instances')));
          return answers.every(({ instances }) => instances === wanted);
        },
        { what: `all takers to count ${wanted} instances`, everyMs: 200 },
      ).then(() => undefined),
    close,
  };
}
