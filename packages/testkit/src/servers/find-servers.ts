import { accessSync, constants, readdirSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** A real server that the tests need, the programs that prove its presence, and the Debian package that brings it. */
interface Server {
  readonly title: string;
  readonly programs: readonly string[];
  readonly debian: string;
}

export const servers = {
  redis: { title: 'Redis', programs: ['redis-server'], debian: 'redis-server' },
  postgres: { title: 'PostgreSQL', programs: ['postgres', 'initdb'], debian: 'postgresql' },
  nginx: { title: 'nginx', programs: ['nginx'], debian: 'nginx-light' },
  chromium: { title: 'Chromium', programs: ['chromium'], debian: 'chromium' },
} as const satisfies Record<string, Server>;

export type ServerName = keyof typeof servers;

/** Other names and homes of the same program. */
const ALSO: Readonly<Record<string, readonly string[]>> = {
  chromium: ['chromium-browser', 'google-chrome', 'google-chrome-stable'],
};

/** Where each server's main program is, or undefined. */
export function findServers(): Record<ServerName, string | undefined> {
  const of = (name: ServerName) => {
    const found = servers[name].programs.map(findProgram);
    return found.includes(undefined) ? undefined : found[0];
  };
  return { redis: of('redis'), postgres: of('postgres'), nginx: of('nginx'), chromium: of('chromium') };
}

/** @throws {Error} that names the command which installs what is missing */
export function requireProgram(program: string, server: ServerName): string {
  const found = findProgram(program);
  if (found !== undefined) return found;
  throw new Error(
    `${servers[server].title} is needed for this test, and "${program}" is not here. ${howToInstall([server])}`,
  );
}

export const installCommand = (missing: readonly ServerName[]): string =>
  `apt-get install --yes --no-install-recommends ${missing.map((name) => servers[name].debian).join(' ')}`;

export function howToInstall(missing: readonly ServerName[]): string {
  const sudo = process.getuid?.() === 0 ? '' : 'sudo ';
  const elsewhere =
    process.platform === 'linux'
      ? ''
      : ` (elsewhere: ${missing.map((name) => servers[name].title).join(', ')} from your package manager)`;
  return `Install it with: ${sudo}${installCommand(missing)}${elsewhere}`;
}

function findProgram(program: string): string | undefined {
  for (const name of [program, ...(ALSO[program] ?? [])]) {
    for (const directory of directories()) {
      const path = join(directory, name);
      if (isExecutable(path)) return path;
    }
  }
  return undefined;
}

/** PATH first, then where Debian and others put servers outside of it; the newest PostgreSQL first. */
function directories(): string[] {
  const home = '/usr/lib/postgresql';
  const versions = list(home).filter((name) => /^\d/.test(name));
  versions.sort((a, b) => Number.parseFloat(b) - Number.parseFloat(a));
  return [
    ...(process.env.PATH ?? '').split(delimiter).filter(Boolean),
    ...versions.map((version) => join(home, version, 'bin')),
    ...['/usr/sbin', '/usr/local/sbin', '/usr/local/bin', '/usr/bin', '/opt/homebrew/bin', '/usr/local/pgsql/bin'],
  ];
}

function list(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
