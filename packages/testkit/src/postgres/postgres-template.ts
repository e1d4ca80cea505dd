import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { temporaryDirectory } from '../processes/temporary-directory.ts';
import { requireProgram } from '../servers/find-servers.ts';
import type { User } from '../servers/unprivileged-user.ts';

const run = promisify(execFile);

/** Where a run keeps its empty cluster: set by the first to make one, so that processes started later copy it. */
const VARIABLE = 'SPILLWAY_POSTGRES_TEMPLATE';

let own: Promise<string> | undefined;

/** Makes `directory` a fresh PostgreSQL data directory, by copying an empty one made once (40 ms instead of 500). */
export async function fillDataDirectory(directory: string, user: User | undefined): Promise<void> {
  if (process.env[VARIABLE] === undefined) own ??= createTemplate(user);
  const template = process.env[VARIABLE] ?? (await own) ?? '';
  // -a keeps the owner, which is the unprivileged user.
  await run('cp', ['-a', template, directory]);
}

async function createTemplate(user: User | undefined): Promise<string> {
  const { path } = temporaryDirectory({ name: 'postgres-template', ...(user === undefined ? {} : { owner: user }) });
  const data = join(path, 'data');
  const args = [
    '--auth=trust',
    '--username=postgres',
    '--encoding=UTF8',
    '--locale=C',
    '--no-sync',
    '--no-instructions',
  ];
  await run(requireProgram('initdb', 'postgres'), ['-D', data, ...args], { cwd: path, ...user }).catch((error) => {
    throw new Error(`initdb failed: ${error.stderr ?? error}`, { cause: error });
  });
  process.env[VARIABLE] = data;
  return data;
}
