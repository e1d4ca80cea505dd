import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { isRunning, spawnProcess, until } from '@spillway/testkit';
import { expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../../../..', import.meta.url));
const ENDLESS = fileURLToPath(new URL('../fixtures/endless-run', import.meta.url));
const script = (file: string) => `${ROOT}/${file}`;
/** As npm sets it. */
const env = { PATH: `${ROOT}/node_modules/.bin:${process.env.PATH}` };

test.each([
  [
    'cluster',
    'scripts/cluster.ts',
    ['--bogus'],
    "npm run cluster: Unknown option '--bogus'; see npm run cluster -- --help",
  ],
  [
    'test',
    'scripts/test.ts',
    ['unit', '--bogus-flag', 'nope'],
    'npm test: Unknown option `--bogus-flag`; see npm test -- --help',
  ],
  ['check', 'scripts/check.ts', ['--bogus'], 'npm run check: It takes no arguments, got "--bogus"'],
  ['build', 'scripts/build.ts', ['--bogus'], 'npm run build: It takes no arguments, got "--bogus"'],
  ['bench', 'bench/src/run.ts', ['--bogus'], expect.stringMatching(/^No benchmark is called --bogus; there are .*$/)],
])('%s refuses what it does not know in one line, before it begins', async (_, file, args, line) => {
  const child = spawnProcess({ module: script(file), args, cwd: ROOT, env });
  expect(await child.exited).toEqual({ code: 2, signal: null });
  expect(child.stderr).toEqual([line]);
  expect(child.stdout).toEqual([]);
});

const SETPRIV = 'setpriv';
const hasSetpriv = spawnSync(SETPRIV, ['--pdeathsig', 'TERM', 'true']).status === 0;

test.runIf(hasSetpriv)('a test run ends when what started it is killed', async () => {
  const run = spawnProcess({
    module: script('scripts/test.ts'),
    args: ['unit', '--root', ENDLESS],
    cwd: ROOT,
    env,
    readyWhen: (line) => line.startsWith('{"runner"'),
    readyTimeoutMs: 60_000,
  });
  await run.ready;
  const said = run.stdout.find((line) => line.startsWith('{"runner"')) ?? '';
  const pids = Object.values(JSON.parse(said) as Record<string, number>);
  expect(pids.map((pid) => isRunning(pid))).toEqual([true, true]);
  // To the process alone: its group would be ended by the way it was started here.
  run.signal('SIGKILL');
  await until(() => pids.every((pid) => !isRunning(pid)), { what: 'the run to be gone' });
});
