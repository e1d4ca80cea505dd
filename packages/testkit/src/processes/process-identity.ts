import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/**
 * What tells a process from a later one that got the same pid: its start time, as the kernel writes it. Undefined when there
 * is no such process. Contains no spaces. `reap-script.ts` computes the same string in shell.
 */
export function processIdentity(pid: number): string | undefined {
  if (process.platform === 'linux') return statFields(pid)?.[19];
  try {
    const started = execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
    return started === '' ? undefined : started.replace(/\s+/g, '_');
  } catch {
    return undefined;
  }
}

/** True while the process exists and is not a zombie. */
export function isRunning(pid: number, identity = processIdentity(pid)): boolean {
  if (identity === undefined || processIdentity(pid) !== identity) return false;
  return process.platform !== 'linux' || statFields(pid)?.[0] !== 'Z';
}

/** Direct children, without those that end meanwhile. */
export function childrenOf(pid: number): number[] {
  try {
    const list =
      process.platform === 'linux'
        ? readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
        : execFileSync('pgrep', ['-P', String(pid)], { encoding: 'utf8' });
    return list.split(/\s+/).filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/** CPU time spent so far by the process and all its threads, and its resident memory (Linux). */
export function processUsage(pid: number): {
  readonly userMs: number;
  readonly systemMs: number;
  readonly rssBytes: number;
} {
  const fields = statFields(pid);
  if (fields === undefined) throw new Error(`No process ${pid} under /proc; it has ended, or this is not Linux`);
  // Clock ticks are 1/100 s on every Linux that Node runs on; pages are 4 kB but for the status file, which says kB.
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const rssKb = Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0);
  return { userMs: Number(fields[11]) * 10, systemMs: Number(fields[12]) * 10, rssBytes: rssKb * 1024 };
}

/** Fields of /proc/pid/stat from the third (state) on: the second, the command's name, may hold blanks and brackets. */
function statFields(pid: number): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}
