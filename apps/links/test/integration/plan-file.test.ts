import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryDirectory, until } from '@spillway/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { startApiService } from '../support/api-client.ts';
import { spillway } from '../support/spillway.ts';

const plansOf = (limit: number, strategy = 'fixed-window') => ({
  default: 'trial',
  plans: { trial: { policies: [{ strategy, name: 'calls', limit, window: '1h' }] } },
});

/** A file that is replaced whole, as an editor or a deployment does. */
function planFile() {
  const directory = temporaryDirectory({ name: 'plans' });
  onTestFinished(() => directory.close());
  const path = join(directory.path, 'plans.json');
  return {
    path,
    async write(content: unknown) {
      await writeFile(`${path}.new`, typeof content === 'string' ? content : JSON.stringify(content));
      await rename(`${path}.new`, path);
    },
  };
}

test('a change of the plans holds soon, a wrong one is counted and changes nothing', async () => {
  const file = planFile();
  await file.write(plansOf(7));
  await using api = await startApiService('SQLite', { PLANS_FILE: file.path, LOG_LEVEL: 'silent' });
  const body = { name: 'a program', scopes: ['links:read'] };
  const { key } = (await api.call('POST', '/api/v1/keys', { body })).body;
  const policy = async () => (await api.call('GET', '/api/v1/links', { key })).headers.get('ratelimit-policy');
  const mistakes = async () => {
    const { text } = await api.call('GET', '/metrics');
    return Number(/^spillway_links_plan_file_errors_total (\d+)$/m.exec(text)?.[1]);
  };
  expect(await policy()).toBe('"calls";q=7;w=3600');
  expect(await mistakes()).toBe(0);
  await file.write(plansOf(1_000));
  await until(async () => (await policy()) === '"calls";q=1000;w=3600', { timeoutMs: 5_000 });
  await file.write(plansOf(0));
  await until(async () => (await mistakes()) === 1, { timeoutMs: 5_000 });
  expect(await policy()).toBe('"calls";q=1000;w=3600');
  await file.write(plansOf(2_000));
  await until(async () => (await policy()) === '"calls";q=2000;w=3600', { timeoutMs: 5_000 });
});

test('the start page offers the plans that there are, and no others, also after a change', async () => {
  const file = planFile();
  await file.write(plansOf(7));
  await using api = await startApiService('SQLite', { PLANS_FILE: file.path, LOG_LEVEL: 'silent' });
  const offered = async () => {
    const page = await (await fetch(`${api.url}/`)).text();
    return [...page.matchAll(/<option value="([^"]*)">([^<]*)</g)].map(([, value, text]) => [value, text]);
  };
  expect(await offered()).toEqual([['trial', 'trial: at most 7']]);
  const check = await api.call('POST', '/api/v1/limits/check', { body: { plan: 'trial', key: 'user-1' } });
  expect(check.body).toMatchObject({ outcome: 'allowed', limit: 7 });
  const { plans } = plansOf(9);
  await file.write({ default: 'trial', plans: { ...plans, large: plans.trial } });
  await until(async () => (await offered()).length === 2, { timeoutMs: 5_000 });
  expect((await offered())[1]).toEqual(['large', 'large: at most 9']);
});

test('a start with wrong plans is refused with the file and what is wrong in it', async () => {
  const file = planFile();
  await file.write(plansOf(-1));
  const directory = temporaryDirectory({ name: 'start' });
  onTestFinished(() => directory.close());
  const env = { PLANS_FILE: file.path, DATA_DIR: directory.path, PORT: '0' };
  for (const command of ['links', 'check-config']) {
    const { code, stderr } = await spillway([command], { env });
    expect(stderr).toContain(`The plans in "${file.path}" are wrong:`);
    expect(stderr).toContain('plans["trial"].policies[0].limit: must be an integer from 1');
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(code).toBe(2);
  }
});

test('plans that PostgreSQL can not count by are refused there', async () => {
  const file = planFile();
  await file.write(plansOf(5, 'sliding-window'));
  const wrong =
    'plans["trial"].policies[0].strategy: must be one of "token-bucket", "gcra", "fixed-window", "quota" here';
  await expect(startApiService('PostgreSQL', { PLANS_FILE: file.path })).rejects.toThrow(wrong);
  const env = {
    PLANS_FILE: file.path,
    DATABASE_URL: 'postgres://localhost/x',
    SPILLWAY_SECRET: 'a-secret-of-16-chars',
  };
  const checked = await spillway(['check-config'], { env });
  expect([checked.code, checked.stderr]).toEqual([2, expect.stringContaining(wrong)]);
  await using _ = await startApiService('PostgreSQL and Redis', { PLANS_FILE: file.path });
});
