/**
 * `npm test [-- KIND | FILTER ...]`: sees to the servers that the tests need, then runs Vitest.
 * Kinds are unit, property, integration and chaos (STYLE R26); anything else is handed to Vitest as it stands.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { ensureServers } from '@spillway/testkit';

const KINDS = new Set(['unit', 'property', 'integration', 'chaos']);
const root = fileURLToPath(new URL('..', import.meta.url));

const given = process.argv.slice(2);
const kinds = given.filter((word) => KINDS.has(word));
const rest = given.filter((word) => !KINDS.has(word));

const onlyPure = kinds.length > 0 && kinds.every((kind) => kind === 'unit');
if (!onlyPure) {
  try {
    await ensureServers({ report: (line) => console.log(line) });
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    process.exit(1);
  }
}

const vitest = spawn('vitest', ['run', ...kinds.flatMap((kind) => ['--project', kind]), ...rest], {
  cwd: root,
  stdio: 'inherit',
});
// Ctrl-C reaches the whole group; a signal sent to this process alone is handed on, so that nothing is left running.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => vitest.kill(signal));
vitest.on('error', (error) => {
  console.error(`Vitest could not be started (${error.message}); run "npm ci" first`);
  process.exitCode = 1;
});
vitest.on('exit', (code, signal) => {
  process.exitCode = code ?? (signal === null ? 0 : 1);
});
