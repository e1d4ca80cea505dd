import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type ChildProcessHandle,
  type RedisServer,
  spawnProcess,
  type TemporaryDirectory,
  until,
} from '@spillway/testkit';
import type { Admission, LeaserSettings } from './leaser-settings.ts';

export interface Leasers {
  readonly processes: readonly ChildProcessHandle[];
  /** One more. */
  start(): Promise<ChildProcessHandle>;
  /** Those that still run hand back what they hold, and end. */
  stop(): Promise<void>;
  /** All that any of them ever admitted, those that were killed too. */
  admissions(): readonly Admission[];
  close(): Promise<void>;
}

export type LeasersOptions = Omit<LeaserSettings, 'instance' | 'file'> & { readonly directory: TemporaryDirectory };

/** Starts `count` processes, which begin once each of them counts all. */
export async function startLeasers(count: number, { directory, ...settings }: LeasersOptions): Promise<Leasers> {
  const processes: ChildProcessHandle[] = [];
  const files: string[] = [];
  const spawn = async (): Promise<ChildProcessHandle> => {
    const instance = `leaser-${processes.length}`;
    const file = join(directory.path, `${settings.prefix}-${instance}`);
    files.push(file);
    const process = spawnProcess({
      name: instance,
      module: new URL('./leaser.ts', import.meta.url),
      env: { LEASER: JSON.stringify({ ...settings, instance, file } satisfies LeaserSettings) },
      readyWhen: (line) => line === 'ready',
    });
    processes.push(process);
    await process.ready;
    return process;
  };
  const close = async (): Promise<void> => {
    await Promise.all(processes.map((process) => process.close()));
  };
  try {
    await Promise.all(Array.from({ length: count }, spawn));
    await until(
      () => {
        for (const process of processes) process.write('instances\n');
        return processes.every(({ stdout }) => stdout.at(-1) === `counts ${count}`);
      },
      { what: `all leasers to count ${count} instances`, everyMs: 200, timeoutMs: 20_000 },
    );
  } catch (error) {
    await close();
    throw error;
  }
  for (const process of processes) process.write('go\n');
  return {
    processes,
    start: spawn,
    async stop() {
      const running = processes.filter((process) => process.running);
      for (const process of running) process.write('stop\n');
      await Promise.all(running.map(({ exited }) => exited));
    },
    // The last line of one that was killed may be torn.
    admissions: () =>
      files.flatMap((file) =>
        readFileSync(file, 'utf8')
          .split('\n')
          .slice(0, -1)
          .map((line) => JSON.parse(line) as Admission),
      ),
    close,
  };
}

/** By how much the store's clock is ahead of this machine's monotonic one, and how far off that can be. In microseconds. */
export async function clockOffset(redis: RedisServer): Promise<{ readonly aheadUs: number; readonly errorUs: number }> {
  const monotonicUs = (): number => Number(process.hrtime.bigint() / 1000n);
  let best = { aheadUs: 0, errorUs: Number.POSITIVE_INFINITY };
  for (let look = 0; look < 50; look += 1) {
    const before = monotonicUs();
    const [seconds, micros] = (await redis.command('TIME')) as [string, string];
    const errorUs = (monotonicUs() - before) / 2;
    if (errorUs >= best.errorUs) continue;
    best = { aheadUs: Number(seconds) * 1e6 + Number(micros) - before - errorUs, errorUs };
  }
  return best;
}
