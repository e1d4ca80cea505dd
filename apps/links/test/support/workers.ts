import { execFileSync } from 'node:child_process';
import {
  type ChildProcessHandle,
  createDatabaseIn,
  freePort,
  spawnProcess,
  temporaryDirectory,
} from '@spillway/testkit';
import { inject } from 'vitest';
import { COMMAND } from './spillway.ts';

export interface Workers extends AsyncDisposable {
  readonly url: string;
  readonly primary: ChildProcessHandle;
  /** The process ids of the workers that live now. */
  workers(): readonly number[];
}

/** `WORKERS=2` on a database of its own; the instance is named `pair`. */
export async function startWorkers(env: Readonly<Record<string, string>> = {}): Promise<Workers> {
  const directory = temporaryDirectory({ name: 'workers' });
  const database = await createDatabaseIn(inject('postgresUrl'));
  const port = await freePort();
  const primary = spawnProcess({
    name: 'spillway links',
    module: COMMAND,
    args: ['links'],
    env: {
      PORT: String(port),
      HOST: '127.0.0.1',
      INSTANCE: 'pair',
      DATA_DIR: directory.path,
      DATABASE_URL: database.url,
      SPILLWAY_SECRET: 'a-secret-for-these-tests',
      ADMIN_KEY: 'admin-key-for-tests-0123',
      WORKERS: '2',
      LOG_LEVEL: 'warn',
      ...env,
    },
    readyWhen: (line) => line.startsWith('Spillway is ready'),
  });
  await primary.ready;
  return {
    url: `http://127.0.0.1:${port}`,
    primary,
    workers: () =>
      execFileSync('ps', ['--ppid', String(primary.pid), '-o', 'pid='])
        .toString()
        .trim()
        .split(/\s+/)
        .map(Number),
    async [Symbol.asyncDispose]() {
      await primary.close();
      await database.drop();
      await directory.close();
    },
  };
}
