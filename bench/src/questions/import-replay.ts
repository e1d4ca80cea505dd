import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { accessLog, plainCount, processUsage, spawnProcess, temporaryDirectory, urls } from '@spillway/testkit';
import { startCluster } from '../../../scripts/cluster/start-cluster.ts';
import { defineBench, type Figure } from '../harness.ts';
import { ADMIN_KEY, startLinks } from '../redirects.ts';

const COMMAND = new URL('../../../apps/links/bin/spillway.js', import.meta.url);

interface Running extends AsyncDisposable {
  readonly url: string;
  readonly adminKey: string;
  readonly pids: readonly number[];
}

async function startEmbedded(): Promise<Running> {
  const links = await startLinks(undefined, { ALLOW_REPLAY_TIME: 'true' });
  const { url, process } = links;
  return { url, adminKey: ADMIN_KEY, pids: [process.pid], [Symbol.asyncDispose]: () => links[Symbol.asyncDispose]() };
}

async function startThree(): Promise<Running> {
  const cluster = await startCluster();
  const { url, adminKey, instances } = cluster;
  return {
    url,
    adminKey,
    pids: instances.map(({ process }) => process.pid),
    [Symbol.asyncDispose]: () => cluster.close(),
  };
}

export const bench = defineBench({
  name: 'import-replay',
  question:
    'How long does it take to import 20,000 URLs and to replay an access log as clicks, and in how much memory?',
  async run({ size, log }) {
    const wanted = (await urls()).slice(0, size === 'full' ? 20_000 : 200);
    const entries = (await accessLog()).slice(0, size === 'full' ? undefined : 200);
    await using directory = temporaryDirectory({ name: 'bench-import' });
    const logFile = join(directory.path, 'access.log');
    writeFileSync(logFile, entries.map(({ line }) => `${line}\n`).join(''), 'latin1');
    const figures: Figure[] = [];
    for (const [contestant, start] of [
      ['embedded', startEmbedded],
      ['three instances behind nginx', startThree],
    ] as const) {
      const file = join(directory.path, `${contestant}.txt`);
      writeFileSync(file, wanted.join('\n'));
      await using service = await start();
      const imported = await runCommand(['import', file], service);
      const made = Number(/(\d+) links made/.exec(imported.output)?.[1]);
      const refused = Number(/(\d+) rows refused/.exec(imported.output)?.[1] ?? 0);
      if (made + refused !== wanted.length) throw new Error(`${contestant}: imported wrongly: ${imported.output}`);
      const replayed = await runCommand(['replay', logFile, '--base', 'http://semicomplete.com', '--create'], service);
      await checkCounted(service, entries);
      const values = {
        'import s': imported.seconds,
        'links/s': made / imported.seconds,
        'import command MiB': imported.peakMiB,
        'replay s': replayed.seconds,
        'clicks/s': entries.length / replayed.seconds,
        'replay command MiB': replayed.peakMiB,
        'service MiB, the largest process': Math.max(...service.pids.map(peakMiB)),
      };
      log(
        `${contestant}: ${Object.entries(values)
          .map(([name, value]) => `${name} ${value.toPrecision(3)}`)
          .join(', ')}`,
      );
      figures.push({ contestant, values });
    }
    return {
      figures,
      ratios: [],
      checked: `every URL made a link or was refused with its reason; clicks and visitors of ${entries.length.toLocaleString('en-US')} lines equal a plain count over the log.`,
      notes: ['The real commands, their start included, as processes beside the service on the same cores.'],
    };
  },
});

interface Ran {
  readonly seconds: number;
  readonly peakMiB: number;
  readonly output: string;
}

async function runCommand(args: readonly string[], { url, adminKey }: Running): Promise<Ran> {
  const startedAt = performance.now();
  const command = spawnProcess({
    name: `spillway ${args[0]}`,
    module: COMMAND,
    args,
    env: { SPILLWAY_SERVER: url, SPILLWAY_KEY: adminKey },
  });
  let peak = 0;
  while (command.running) {
    peak = Math.max(peak, peakMiB(command.pid));
    await Promise.race([sleep(50), command.exited]);
  }
  const { code } = await command.exited;
  // 1: some rows were refused, which the caller looks at.
  if (code !== 0 && code !== 1)
    throw new Error(`${command.name} ended with ${code}: ${command.stderr.slice(-5).join('\n')}`);
  return { seconds: (performance.now() - startedAt) / 1_000, peakMiB: peak, output: command.stdout.join('\n') };
}

/** The most resident memory that the process ever had; what it has, where the kernel does not say. 0 when it has just ended. */
function peakMiB(pid: number): number {
  try {
    const kb = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kb === undefined ? processUsage(pid).rssBytes / 2 ** 20 : Number(kb) / 1_024;
  } catch {
    return 0;
  }
}

/** Waits until all clicks are counted. @throws {Error} when they are not what the log says */
async function checkCounted({ url, adminKey }: Running, entries: Awaited<ReturnType<typeof accessLog>>): Promise<void> {
  const truth = plainCount(entries);
  const times = entries.map(({ atMs }) => atMs).sort((a, b) => a - b);
  const [from, to] = [times.at(0) ?? 0, (times.at(-1) ?? 0) + 1].map((time) => new Date(time).toISOString());
  const range = new URLSearchParams({ from: from ?? '', to: to ?? '', interval: 'hour' });
  const deadline = performance.now() + 60_000;
  for (;;) {
    const response = await fetch(`${url}/api/v1/stats?${range}`, { headers: { 'x-api-key': adminKey } });
    const { totals } = (await response.json()) as { totals?: { clicks: number; visitors: number } };
    if (totals?.clicks === truth.clicks && totals.visitors === truth.visitors) return;
    if (performance.now() > deadline || (totals?.clicks ?? 0) > truth.clicks) {
      throw new Error(`counted wrongly: ${JSON.stringify(totals)} instead of ${truth.clicks} of ${truth.visitors}`);
    }
    await sleep(100);
  }
}
