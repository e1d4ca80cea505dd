import { spawn } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { findServers, howToInstall, installCommand, type ServerName, servers } from './find-servers.ts';

export interface EnsureServersOptions {
  /** Default: all of them. */
  readonly only?: readonly ServerName[];
  /** Told what is being done, a line at a time. */
  readonly report?: (line: string) => void;
}

/** Debian asks this file before a package's installation starts or stops a service; 101 means "do not". */
const POLICY = '/usr/sbin/policy-rc.d';

/**
 * Installs with apt-get the servers that are missing, on Debian and its kin and as root. No service is started by it, and none
 * that was there is touched.
 * @throws {Error} elsewhere, or when the installation failed: the message holds the command to run
 */
export async function ensureServers(options: EnsureServersOptions = {}): Promise<void> {
  const { only = Object.keys(servers) as ServerName[], report = () => {} } = options;
  const missing = missingOf(only);
  if (missing.length === 0) return;
  const titles = missing.map((name) => servers[name].title).join(', ');
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) {
    throw new Error(`The tests run against real servers, and there is no ${titles} here. ${howToInstall(missing)}`);
  }
  report(`Not here yet: ${titles}. Running: ${installCommand(missing)}`);
  await withoutStartingServices(async () => {
    await aptGet(['update', '--quiet']).catch((error) => report(`${error}\nGoing on with the package lists of before`));
    const [, ...args] = installCommand(missing).split(' ');
    await aptGet(args);
  });
  const still = missingOf(missing);
  if (still.length > 0) throw new Error(`apt-get ended well, but something is still missing. ${howToInstall(still)}`);
}

function missingOf(names: readonly ServerName[]): ServerName[] {
  const found = findServers();
  return names.filter((name) => found[name] === undefined);
}

async function withoutStartingServices(work: () => Promise<void>): Promise<void> {
  // Somebody else's policy stays as it is.
  if (existsSync(POLICY)) return work();
  const remove = () => rmSync(POLICY, { force: true });
  const interrupted = (_: string, number: number) => {
    remove();
    process.exit(128 + number);
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, interrupted);
  try {
    writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755, flag: 'wx' });
    await work();
  } finally {
    remove();
    for (const signal of signals) process.off(signal, interrupted);
  }
}

function aptGet(args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('apt-get', args, {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const output: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => output.push(chunk));
    child.once('error', reject);
    child.once('close', (code) => {
      const last = Buffer.concat(output).toString().trim().split('\n').slice(-15).join('\n');
      if (code === 0) resolve();
      else reject(new Error(`apt-get ${args.join(' ')} failed (${code}):\n${last}`));
    });
  });
}
