import { readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { Instances } from './cluster.ts';

/** Spools of a log that dead processes left and nobody has counted to the end yet. Each live process has one of its own. */
export async function spoolsLeft({ dataDir, all }: Instances, log: 'clicks' | 'requests'): Promise<number> {
  const running = all.filter(({ process }) => process.running).length;
  const root = join(dataDir, 'spool');
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  // <log>/<producer>/<epoch>/
  const isEpoch = ({ parentPath }: { parentPath: string }) => {
    const [name, producer, ...others] = relative(root, parentPath).split('/');
    return name === log && producer !== undefined && others.length === 0;
  };
  return entries.filter((entry) => entry.isDirectory() && isEpoch(entry)).length - running;
}
