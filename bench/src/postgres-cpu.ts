import { readdirSync, readFileSync } from 'node:fs';

/** CPU time in milliseconds of a PostgreSQL server so far: its first process, those that have ended, and those that run (Linux). */
export function postgresCpuMs(pid: number): number {
  let ticks = 0;
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const fields = statOf(entry);
    if (fields === undefined) continue;
    const [, parent] = fields;
    const times = fields.slice(11, 15).map(Number) as [number, number, number, number];
    // The first process also holds the time of those that it has reaped.
    if (Number(entry) === pid) ticks += times[0] + times[1] + times[2] + times[3];
    else if (Number(parent) === pid) ticks += times[0] + times[1];
  }
  return ticks * 10;
}

/** From the third field on: the second, the command's name, may hold blanks and brackets. */
function statOf(pid: string): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}
