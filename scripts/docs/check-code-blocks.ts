import { spawnSync } from 'node:child_process';
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A block of TypeScript in a page, and where it stands. */
interface Block {
  readonly page: string;
  /** Of its first line of code, counted from 1. */
  readonly line: number;
  readonly code: string;
}

/**
 * Every block marked `ts` in the documentation and the READMEs is a module that compiles. Other code, such as what a reader comes
 * from, is marked otherwise. One that begins with its name (`// name.ts`) can be imported by the others (`./name.ts`). Returns the compiler's complaints, at the lines of the pages.
 */
export function checkCodeBlocks(root: string): string[] {
  const pages = globSync(['README.md', 'docs/**/*.md', 'packages/*/README.md'], { cwd: root }).sort();
  const blocks = pages.flatMap((page) => blocksOf(page, readFileSync(join(root, page), 'utf8')));
  // Below node_modules, where the packages are found and nobody looks for sources.
  const cache = join(root, 'node_modules/.cache');
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, 'spillway-docs-'));
  try {
    return compile(root, folder, blocks);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export function blocksOf(page: string, text: string): readonly Block[] {
  return [...text.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(({ 1: code = '', index }) => ({
    page,
    line: text.slice(0, index).split('\n').length + 1,
    code,
  }));
}

function compile(root: string, folder: string, blocks: readonly Block[]): string[] {
  const settings = {
    extends: join(root, 'tsconfig.json'),
    // A module each, also without an import of its own.
    compilerOptions: { moduleDetection: 'force', rootDir: root },
    // And what the tests of this repository are given by their set-up.
    include: ['*.ts', join(root, 'packages/testkit/src/vitest-global-setup.ts')],
    exclude: [],
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(settings));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  for (const [at, { code }] of blocks.entries()) {
    writeFileSync(join(folder, `${at}.ts`), code);
    const [, name] = /^\/\/ ([\w-]+)\.ts\n/.exec(code) ?? [];
    if (name !== undefined) writeFileSync(join(folder, `${name}.ts`), `export * from './${at}.ts';\n`);
  }
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const { status, stdout, stderr } = spawnSync(process.execPath, [tsc, '-p', folder, '--pretty', 'false'], {
    cwd: folder,
    encoding: 'utf8',
  });
  if (status === 0) return [];
  const complaints = stdout.split('\n').flatMap((line) => atPage(line, blocks));
  return complaints.length > 0 ? complaints : [`tsc ended with ${status}: ${stdout}${stderr}`];
}

/** `3.ts(2,5): error ...` as `docs/page.md:41: error ...`. What is wrong elsewhere is the check of types' to tell. */
function atPage(complaint: string, blocks: readonly Block[]): string[] {
  const [, at, line, message] = /^(\d+)\.ts\((\d+),\d+\): (.*)$/.exec(complaint) ?? [];
  const block = blocks[Number(at)];
  return block === undefined ? [] : [`${block.page}:${block.line + Number(line) - 1}: ${message}`];
}
