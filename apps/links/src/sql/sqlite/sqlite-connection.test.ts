import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'spillway-sqlite-thread-'));
});
afterEach(() => {
  rmSync(directory, { recursive: true });
});

// A process of its own: the compile cache can not be switched off again. The main thread writes to it only at the end.
const SCRIPT = `
  import { readdirSync } from 'node:fs';
  import { enableCompileCache, getCompileCacheDir } from 'node:module';
  const [directory, connection] = process.argv.slice(1);
  enableCompileCache(directory + '/cache');
  const { openSqliteConnection } = await import(connection);
  const thread = openSqliteConnection({ file: directory + '/db', access: 'write' });
  await thread.run('SELECT 1');
  await thread.close();
  console.log(readdirSync(getCompileCacheDir()).length);
`;

test('a thread uses the compile cache of the process, and so needs no stripper of types in memory', () => {
  const connection = new URL('./sqlite-connection.ts', import.meta.url).href;
  const written = execFileSync(
    process.execPath,
    ['--conditions=spillway-source', '--input-type=module', '--eval', SCRIPT, directory, connection],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] },
  );
  expect(Number(written)).toBeGreaterThan(0);
});
