/**
 * `npm test [-- KIND | FILTER ...]`: sees to the servers that the tests need, then runs Vitest.
 * Kinds are unit, property, integration and chaos (STYLE R26); anything else is handed to Vitest as it stands.
 */
import { spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { ensureServers } from '@spillway/testkit';
import { refuse } from './arguments.ts';

const KINDS = new Set(['unit', 'property', 'integration', 'chaos']);
const root = fileURLToPath(new URL('..', import.meta.url));

const given = process.argv.slice(2);
const kinds = given.filter((word) => KINDS.has(word));
const rest = given.filter((word) => !KINDS.has(word));

await refuseUnknownOptions();

const onlyPure = kinds.length > 0 && kinds.every((kind) => kind === 'unit');
if (!onlyPure) {
  try {
    await ensureServers({ report: (line) => console.log(line) });
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    process.exit(1);
  }
}

const run = ['vitest', 'run', ...kinds.flatMap((kind) => ['--project', `${kind}*`]), ...rest];
const [command = '', ...args] = [...endsWithUs(), ...run];
const vitest = spawn(command, args, { cwd: root, stdio: 'inherit' });
// Ctrl-C reaches the whole group; a signal sent to this process alone is handed on, so that nothing is left running.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => vitest.kill(signal));
vitest.on('error', (error) => {
  console.error(`Vitest could not be started (${error.message}); run "npm ci" first`);
  process.exitCode = 1;
});
vitest.on('exit', (code, signal) => {
  process.exitCode = code ?? (signal === null ? 0 : 1);
});

/** Before servers are installed and started; Vitest itself would show where in its sources it met the option. */
async function refuseUnknownOptions(): Promise<void> {
  const asksForHelp = rest.some((word) => word === '--help' || word === '-h');
  if (asksForHelp || !rest.some((word) => word.startsWith('-'))) return;
  const { createCLI } = await import('vitest/node');
  try {
    const cli = createCLI();
    cli.parse(['node', 'vitest', 'run', ...rest], { run: false });
    cli.matchedCommand?.checkUnknownOptions();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    // It tells "--bogus-flag" as "--bogusFlag".
    refuse(
      'npm test',
      message.replace(/(?<=--\w*)[A-Z]/g, (letter) => `-${letter.toLowerCase()}`),
    );
  }
}

/** What makes Linux send a command SIGTERM when this process dies, be it by SIGKILL; nothing where that is not to be had. */
function endsWithUs(): string[] {
  const within = ['setpriv', '--pdeathsig', 'TERM'];
  const [setpriv = '', ...args] = [...within, 'true'];
  return spawnSync(setpriv, args).status === 0 ? within : [];
}
