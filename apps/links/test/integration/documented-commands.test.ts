import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parsePlans } from '@spillway/limit';
import { temporaryDirectory } from '@spillway/testkit';
import { expect, test } from 'vitest';
import { type ApiService, startApiService } from '../support/api-client.ts';

const GUIDE = new URL('../../../../docs/1.guide/', import.meta.url);

/** The blocks of a page that are marked with `language`. */
async function blocksOf(page: string, language: string): Promise<readonly string[]> {
  const text = await readFile(new URL(page, GUIDE), 'utf8');
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map(([, code = '']) => code);
}

/** Runs a block as a reader's shell would; each answer of curl on lines of its own. */
async function run(block: string, env: Readonly<Record<string, string>>): Promise<string> {
  await using home = temporaryDirectory({ name: 'curl' });
  await writeFile(join(home.path, '.curlrc'), 'write-out = "\\n"\n');
  const { stdout } = await promisify(execFile)('sh', ['-c', block], {
    env: { ...env, PATH: process.env.PATH, CURL_HOME: home.path, no_proxy: '*' },
  });
  return stdout;
}

const makeKey = async (api: ApiService, body: Record<string, unknown>) =>
  (await api.call('POST', '/api/v1/keys', { body: { name: 'a reader', ...body } })).body as { id: string; key: string };

test('the commands of the page on limits over HTTP are answered as it says', async () => {
  await using api = await startApiService('SQLite');
  const { key } = await makeKey(api, { scopes: ['limits:check'] });
  const blocks = await blocksOf('limits-over-http.md', 'sh');
  expect(blocks.length).toBeGreaterThan(8);
  for (const block of blocks) {
    const told = [...block.matchAll(/^# (\{.*\})$/gm)].map(([, json = '']) => JSON.parse(json));
    const answers = (await run(block, { SERVER: api.url, KEY: key })).trim().split('\n');
    expect(told.length, block).toBeGreaterThan(0);
    expect(
      answers.map((answer) => JSON.parse(answer)),
      block,
    ).toMatchObject(told);
  }
});

test('the commands of the page on plans are answered as it says, and its file is one', async () => {
  await using api = await startApiService('SQLite');
  const [, create = '', call = '', change = '', stored = ''] = await blocksOf('plans.md', 'sh');
  const env = { SERVER: api.url, ADMIN_KEY: 'admin-key-of-the-api-tests' };
  const made = JSON.parse(await run(create, env));
  expect(made).toMatchObject({ name: 'a shop', plan: 'free', limits: null });
  const headers = await run(call, { ...env, KEY: made.key });
  expect(headers).toContain('HTTP/1.1 200 OK');
  expect(headers).toContain('ratelimit-policy: "free";q=10;w=60');
  expect(headers).toContain('ratelimit: "free";r=9;t=6');
  const changed = JSON.parse(await run(change, { ...env, ID: made.id }));
  expect(changed).toMatchObject({ plan: 'premium', limits: [{ name: 'premium', capacity: 200 }] });
  const [put = '', list = '', gone] = (await run(stored, env)).split('\n');
  expect(JSON.parse(put)).toMatchObject({ name: 'team', source: 'database', policies: [{ capacity: 100 }] });
  const { data } = JSON.parse(list) as { data: readonly { name: string }[] };
  expect(data.map(({ name }) => name)).toEqual(['free', 'premium', 'team']);
  expect([gone, (await api.call('GET', '/api/v1/plans/team')).status]).toEqual(['', 404]);
  const [, file = ''] = await blocksOf('plans.md', 'json');
  expect(parsePlans(JSON.parse(file)).defaultPlan.name).toBe('trial');
});
