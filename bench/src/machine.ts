import { execFileSync } from 'node:child_process';
import { cpus, totalmem } from 'node:os';

/** What the figures were taken on. Versions of servers are asked from their binaries. */
export function describeMachine(): Record<string, string> {
  const version = (command: string, pattern: RegExp): string => {
    try {
      return pattern.exec(execFileSync(command, ['--version'], { encoding: 'utf8' }))?.[1] ?? 'unknown';
    } catch {
      return 'not found on PATH';
    }
  };
  return {
    cores: `${cpus().length} x ${cpus()[0]?.model.trim() ?? 'unknown'}`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    node: process.version,
    redis: version('redis-server', /v=(\S+)/),
    postgresql: version('postgres', /(\d+\.\d+)/),
    platform: `${process.platform} ${process.arch}`,
  };
}
