/**
 * `npm run check`: format and lint, types, layers (with planted violations that must be refused), the code
 * in the documentation, unused code.
 * Runs every step even when one fails, so that one run shows all there is to mend.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { refuseArguments } from './arguments.ts';
import { checkCodeBlocks } from './docs/check-code-blocks.ts';
import { checkPlantedViolations } from './layers/check-layers.ts';

refuseArguments('npm run check');
const root = fileURLToPath(new URL('..', import.meta.url));

const command =
  (name: string, ...args: string[]) =>
  (): string[] => {
    const { status, error } = spawnSync(name, args, { cwd: root, stdio: 'inherit' });
    return status === 0 ? [] : [`${name} ${args.join(' ')} ended with ${error?.message ?? status}`];
  };

const steps: readonly { name: string; run: () => string[] }[] = [
  { name: 'format, lint and layers', run: command('biome', 'ci', '--colors=off', '--error-on-warnings', '.') },
  { name: 'planted layer violations', run: () => checkPlantedViolations(root) },
  { name: 'types', run: command('tsc', '-p', '.') },
  { name: 'code in the documentation', run: () => checkCodeBlocks(root) },
  { name: 'unused code', run: command('knip') },
];

let failures = 0;
for (const { name, run } of steps) {
  const started = performance.now();
  const problems = run();
  for (const problem of problems) console.error(`  ${problem}`);
  if (problems.length > 0) failures += 1;
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${problems.length === 0 ? 'ok  ' : 'FAIL'} ${name} (${seconds} s)`);
}
process.exitCode = failures === 0 ? 0 : 1;
