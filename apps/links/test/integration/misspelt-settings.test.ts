import { createDatabaseIn, temporaryDirectory } from '@spillway/testkit';
import { expect, inject, test } from 'vitest';
import { spillway, startEmbedded } from '../support/spillway.ts';
import { startWorkers } from '../support/workers.ts';

const SAID = 'DATABASE_URLL is no setting and not read; is it DATABASE_URL?';

test('check-config warns of a misspelt setting, and takes the rest for right', async () => {
  const { code, stdout, stderr } = await spillway(['check-config'], { env: { DATABASE_URLL: 'postgres://x/y' } });
  expect(stderr).toBe(`Warning: ${SAID}`);
  expect(stdout).toContain('The configuration is right.');
  expect(code).toBe(0);
});

test('a setting that is needed and misspelt is named beside the one that is missing', async () => {
  await using directory = temporaryDirectory();
  const database = await createDatabaseIn(inject('postgresUrl'));
  const env = { DATABASE_URL: database.url, SPILLWAY_SECRETT: 'the-secret-of-us-all', DATA_DIR: directory.path };
  for (const command of ['links', 'check-config']) {
    const { code, stderr } = await spillway([command], { env });
    expect(stderr).toMatch(/^ {2}SPILLWAY_SECRET: is needed with DATABASE_URL/m);
    expect(stderr).toMatch(/^ {2}SPILLWAY_SECRETT: is no setting and not read; is it SPILLWAY_SECRET\?$/m);
    expect(stderr).not.toContain('the-secret-of-us-all');
    expect(code).toBe(2);
  }
  await database.drop();
});

test('a start warns of it once, with workers too', async () => {
  const heard = (lines: readonly string[]) => lines.filter((line) => line.includes('is no setting'));
  await using embedded = await startEmbedded({ DATABASE_URLL: 'postgres://x/y' });
  expect(heard(embedded.process.stderr)).toEqual([expect.stringContaining(SAID)]);
  await using pair = await startWorkers({ REDIS_ULR: 'redis://x' });
  expect(heard(pair.primary.stderr)).toEqual([expect.stringContaining('REDIS_ULR is no setting')]);
});
