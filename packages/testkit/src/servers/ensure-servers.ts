import { spawn } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { findServers, howToInstall, installCommand, type ServerName, servers } from './find-servers.ts';

export interface EnsureServersOptions {
  /** Default: all of them. */
  readonly only?: readonly ServerName[];
  /** Told what is being done, a line at a time. */
  readonly report?: (line: string) => void;
}

/** What of this machine the installation has to do with; a test gives another. */
export interface Machine {
  readonly isRoot: boolean;
  readonly aptGet: string;
  /** Debian asks this file before a package's installation starts or stops a service; exit code 101 means "do not". */
  readonly policyFile: string;
  readonly find: typeof findServers;
}

const thisMachine = (): Machine => ({
  isRoot: process.getuid?.() === 0,
  aptGet: '/usr/bin/apt-get',
  policyFile: '/usr/sbin/policy-rc.d',
  find: findServers,
});

/**
 * Installs with apt-get the servers that are missing, on Debian and its kin and as root. No service is started by it, and none
 * that was there is touched.
 * @throws {Error} elsewhere, or when the installation failed: the message holds the command to run
 */
export async function ensureServers(options: EnsureServersOptions = {}, machine = thisMachine()): Promise<void> {
  const { only = Object.keys(servers) as ServerName[], report = () => {} } = options;
  const missingNow = () => {
    const found = machine.find();
    return only.filter((name) => found[name] === undefined);
  };
  const missing = missingNow();
  if (missing.length === 0) return;
  const titles = missing.map((name) => servers[name].title).join(', ');
  if (!machine.isRoot || !existsSync(machine.aptGet)) {
    throw new Error(`The tests run against real servers, and there is no ${titles} here. ${howToInstall(missing)}`);
  }
  report(`Not here yet: ${titles}. Running: ${installCommand(missing)}`);
  await withoutStartingServices(machine.policyFile, async () => {
    await run(machine.aptGet, ['update', '--quiet']).catch((error) =>
      report(`${error}\nGoing on with the package lists of before`),
    );
    const [, ...args] = installCommand(missing).split(' ');
    await run(machine.aptGet, args);
  });
  const still = missingNow();
  if (still.length > 0) throw new Error(`apt-get ended well, but something is still missing. ${howToInstall(still)}`);
}

async function withoutStartingServices(policyFile: string, work: () => Promise<void>): Promise<void> {
  // Somebody else's policy stays as it is.
  if (existsSync(policyFile)) return work();
  const remove = () => rmSync(policyFile, { force: true });
  const interrupted = (_: string, number: number) => {
    remove();
    process.exit(128 + number);
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, interrupted);
  try {
    writeFileSync(policyFile, '#!/bin/sh\nexit 101\n', { mode: 0o755, flag: 'wx' });
    await work();
  } finally {
    remove();
    for (const signal of signals) process.off(signal, interrupted);
  }
}

function run(command: string, args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
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
