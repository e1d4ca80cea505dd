import type { Figure } from './harness.ts';
import { createLinks, drive, type Servers, startLinks } from './redirects.ts';

export interface GrowthOptions {
  readonly servers: Servers;
  readonly durationMs: number;
  /** Links that there are, and that are asked for at random, in one process. */
  readonly links: readonly number[];
  /** Processes on one port (`WORKERS`), over the first of these numbers of links. */
  readonly processes: readonly number[];
  readonly log: (line: string) => void;
}

/** How the cost of a redirect grows: with the links, and with the processes. What one process does is measured again for each curve. */
export async function redirectGrowth(options: GrowthOptions): Promise<Figure[]> {
  const figures: Figure[] = [];
  const add = (contestant: string, values: Record<string, number>): void => {
    options.log(`${contestant}: ${Math.round(values['requests/s'] ?? 0)} requests/s`);
    figures.push({ contestant, values });
  };
  await overLinks(options, add);
  await overProcesses(options, add);
  return figures;
}

type Add = (contestant: string, values: Record<string, number>) => void;

async function overLinks({ servers, durationMs, links }: GrowthOptions, add: Add): Promise<void> {
  await using one = await startLinks(servers);
  const paths: string[] = [];
  for (const count of links) {
    paths.push(...(await createLinks(one, count - paths.length)));
    await drive(one, paths, { total: 2 * count, clients: 100_000 });
    const { perSecond, cpuUs } = await drive(one, paths, { durationMs, order: 'random', clients: 100_000 });
    add(`links, ${count.toLocaleString('en-US')} of them`, { 'requests/s': perSecond, 'CPU us/request': cpuUs });
  }
}

async function overProcesses({ servers, durationMs, links, processes }: GrowthOptions, add: Add): Promise<void> {
  for (const count of processes) {
    await using several = await startLinks(servers, { WORKERS: String(count) });
    const paths = await createLinks(several, links[0] ?? 1_000);
    await drive(several, paths, { durationMs, clients: 100_000 });
    // Without CPU time: it is that of the first process alone.
    const { perSecond } = await drive(several, paths, { durationMs, clients: 100_000 });
    add(`links, ${count} ${count === 1 ? 'process' : 'processes'}`, { 'requests/s': perSecond });
  }
}
