import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type TemporaryDirectory, temporaryDirectory } from '../processes/temporary-directory.ts';
import { ensureServers, type Machine } from './ensure-servers.ts';
import { requireProgram } from './find-servers.ts';

let directory: TemporaryDirectory;
let machine: Machine;
const log = () => join(directory.path, 'log');
const flag = () => join(directory.path, 'installed');

beforeEach(() => {
  directory = temporaryDirectory();
  const aptGet = join(directory.path, 'apt-get');
  const policyFile = join(directory.path, 'policy-rc.d');
  // Notes what it was asked, and what the policy says meanwhile.
  const script = `#!/bin/sh
echo "$@" >> ${log()}
${policyFile}; echo "policy $? $DEBIAN_FRONTEND" >> ${log()}
case "$1 $FAIL" in "install yes") echo "no room left" >&2; exit 100;; esac
[ "$1" = install ] && touch ${flag()} || true
`;
  writeFileSync(aptGet, script, { mode: 0o755 });
  const find = () => ({
    redis: existsSync(flag()) ? '/x/redis-server' : undefined,
    postgres: '/x/postgres',
    nginx: existsSync(flag()) ? '/x/nginx' : undefined,
    chromium: undefined,
  });
  machine = { isRoot: true, aptGet, policyFile, find };
});
afterEach(async () => {
  delete process.env.FAIL;
  await directory.close();
});

const only = ['redis', 'postgres', 'nginx'] as const;

test('what is missing is installed, with no service started, and the policy is gone after it', async () => {
  const lines: string[] = [];
  await ensureServers({ only, report: (line) => lines.push(line) }, machine);
  const command = 'install --yes --no-install-recommends redis-server nginx-light';
  expect(readFileSync(log(), 'utf8').trim().split('\n')).toEqual([
    'update --quiet',
    'policy 101 noninteractive',
    command,
    'policy 101 noninteractive',
  ]);
  expect(lines).toEqual([`Not here yet: Redis, nginx. Running: apt-get ${command}`]);
  expect(existsSync(machine.policyFile)).toBe(false);
});

test('nothing is run when nothing is missing', async () => {
  await ensureServers({ only: ['postgres'] }, machine);
  expect(existsSync(log())).toBe(false);
});

test('a policy that was there stays', async () => {
  writeFileSync(machine.policyFile, '#!/bin/sh\nexit 7\n');
  chmodSync(machine.policyFile, 0o755);
  await ensureServers({ only }, machine);
  expect(readFileSync(log(), 'utf8')).toContain('policy 7');
  expect(readFileSync(machine.policyFile, 'utf8')).toContain('exit 7');
});

test('a failed installation says why, and takes the policy away', async () => {
  process.env.FAIL = 'yes';
  await expect(ensureServers({ only }, machine)).rejects.toThrow(/failed \(100\):\nno room left/);
  expect(existsSync(machine.policyFile)).toBe(false);
});

test('who is not root, or not on Debian, is told the exact command', async () => {
  const command = 'apt-get install --yes --no-install-recommends redis-server nginx-light';
  await expect(ensureServers({ only }, { ...machine, isRoot: false })).rejects.toThrow(command);
  await expect(ensureServers({ only }, { ...machine, aptGet: '/nowhere' })).rejects.toThrow(command);
  expect(existsSync(log())).toBe(false);
});

test('an installation that did not bring the program is not taken for one that did', async () => {
  await expect(ensureServers({ only: ['chromium'] }, machine)).rejects.toThrow('still missing');
});

test('a missing program is told with its remedy', () => {
  expect(() => requireProgram('no-such-server', 'postgres')).toThrow(
    /PostgreSQL is needed.*"no-such-server" is not here.*apt-get install --yes --no-install-recommends postgresql/,
  );
});
