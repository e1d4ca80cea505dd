import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { blocksOf, checkCodeBlocks } from './check-code-blocks.ts';

test('blocks marked ts are found with their lines; others are left alone', () => {
  const page = '# A\n\n```ts\nconst a = 1;\n```\n\n```js\nrequire("x")\n```\n```ts\nconst b = 2;\nconst c = 3;\n```\n';
  expect(blocksOf('a.md', page)).toEqual([
    { page: 'a.md', line: 4, code: 'const a = 1;\n' },
    { page: 'a.md', line: 11, code: 'const b = 2;\nconst c = 3;\n' },
  ]);
});

test('a block that does not compile is named by its page and line, also one that imports another', () => {
  const folder = mkdtempSync(join(tmpdir(), 'spillway-blocks-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const modules = fileURLToPath(new URL('../../node_modules', import.meta.url));
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(join(modules, 'typescript'), join(folder, 'node_modules/typescript'));
  const settings = {
    compilerOptions: { strict: true, noEmit: true, module: 'nodenext', types: [], allowImportingTsExtensions: true },
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(settings));
  writeFileSync(
    join(folder, 'README.md'),
    '```ts\nexport const a: number = 1;\n```\n\n```ts\nlet b = 1;\nb = "two";\n```\n',
  );
  expect(checkCodeBlocks(folder)).toEqual([expect.stringMatching(/^README\.md:7: error TS2322: /)]);
  const named =
    '```ts\n// one.ts\nexport const one = 1;\n```\n\n```ts\nimport { one } from "./one.ts";\nexport const b: string = one;\n```\n';
  writeFileSync(join(folder, 'README.md'), named);
  expect(checkCodeBlocks(folder)).toEqual([expect.stringMatching(/^README\.md:8: error TS2322: /)]);
});
