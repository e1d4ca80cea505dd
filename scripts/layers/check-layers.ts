import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { innocent, planted } from './planted.ts';

interface Diagnostic {
  readonly category: string;
  readonly location?: { readonly path?: string | { readonly file?: string } };
}

/**
 * Plants every violation in a copy of the rules and asks Biome about it. Returns what went wrong; empty means that each
 * violation was refused, and nothing innocent was.
 */
export function checkPlantedViolations(root: string): string[] {
  const tree = mkdtempSync(join(tmpdir(), 'spillway-layers-'));
  try {
    cpSync(join(root, 'biome.json'), join(tree, 'biome.json'));
    cpSync(join(root, 'scripts/layers'), join(tree, 'scripts/layers'), { recursive: true });
    writeFileSync(join(tree, '.gitignore'), '');
    for (const { path, source } of [...planted, ...innocent]) {
      mkdirSync(dirname(join(tree, path)), { recursive: true });
      writeFileSync(join(tree, path), source);
    }
    const found = lint(root, tree);
    const missed = planted
      .filter(({ path, rule }) => !found.some((entry) => entry.path === path && entry.category === rule))
      .map(({ path, rule }) => `${path} breaks ${rule}, and the check does not see it`);
    const blamed = innocent
      .filter(({ path }) => found.some((entry) => entry.path === path))
      .map(({ path }) => `${path} keeps the rules, and the check refuses it`);
    return [...missed, ...blamed];
  } finally {
    rmSync(tree, { recursive: true, force: true });
  }
}

function lint(root: string, tree: string): { path: string; category: string }[] {
  const biome = join(root, 'node_modules/.bin/biome');
  const args = ['lint', '--reporter=json', '--max-diagnostics=none', '--vcs-enabled=false', 'packages', 'apps'];
  const { stdout } = spawnSync(biome, args, { cwd: tree, encoding: 'utf8', maxBuffer: 64 * 2 ** 20 });
  const report = JSON.parse(stdout) as { diagnostics: Diagnostic[] };
  return report.diagnostics.map(({ category, location }) => {
    const path = typeof location?.path === 'string' ? location.path : (location?.path?.file ?? '');
    return { category, path: path.replaceAll('\\', '/') };
  });
}
