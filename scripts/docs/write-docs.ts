// `npm run docs`: writes the pages that are made from code. Tests hold them to it.
import { writeFileSync } from 'node:fs';
import { accuracyPage } from '../../packages/limit/test/property/accuracy/page.ts';
import { limitsPage } from '../../packages/limit/test/support/matrix/page.ts';
import { refuseArguments } from '../arguments.ts';

refuseArguments('npm run docs');
const pages = { 'accuracy.md': accuracyPage, 'limits.md': limitsPage };
for (const [name, page] of Object.entries(pages)) {
  writeFileSync(new URL(`../../docs/2.reference/${name}`, import.meta.url), page());
  console.log(`Written: docs/2.reference/${name}`);
}
