import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { configurationReference } from './reference.ts';

test('the configuration page is what the schema says', async () => {
  const page = await readFile(new URL('../../../../docs/2.reference/configuration.md', import.meta.url), 'utf8');
  expect(page).toBe(configurationReference());
});
