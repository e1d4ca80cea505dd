import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

/**
 * A PostgreSQL that was killed leaves a System V segment of 56 bytes behind: its interlock on the data directory. The next
 * start on the same data takes it away; when there will be none, this does. Its id stands in the seventh line of the pid file.
 */
export async function removeSharedMemory(dataDirectory: string): Promise<void> {
  const lines = await readFile(join(dataDirectory, 'postmaster.pid'), 'utf8').catch(() => '');
  const id = lines.split('\n')[6]?.trim().split(/\s+/)[1];
  if (id === undefined) return;
  // Gone already, or no ipcrm on this machine: nothing to be done about either.
  await promisify(execFile)('ipcrm', ['-m', id]).catch(() => {});
}
