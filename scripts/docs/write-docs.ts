// `npm run docs`: writes the pages that are made from code. Tests hold them to it.
import { writeFileSync } from 'node:fs';
import { accuracyPage } from '../../packages/limit/test/property/accuracy/page.ts';
import { refuseArguments } from '../arguments.ts';

refuseArguments('npm run docs');
writeFileSync(new URL('../../docs/2.reference/accuracy.md', import.meta.url), accuracyPage());
console.log('Written: docs/2.reference/accuracy.md');
