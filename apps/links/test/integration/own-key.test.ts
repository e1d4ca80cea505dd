import { freePort, spawnProcess, temporaryDirectory } from '@spillway/testkit';
import { expect, test } from 'vitest';
import { COMMAND } from '../support/spillway.ts';

test('no key revokes itself, and a lost admin key is replaced by way of ADMIN_KEY', async () => {
  await using directory = temporaryDirectory({ name: 'own-key' });
  const port = await freePort();
  const start = async (env: Record<string, string> = {}) => {
    const child = spawnProcess({
      name: 'spillway links',
      module: COMMAND,
      env: { HOST: '127.0.0.1', PORT: String(port), DATA_DIR: directory.path, LOG_LEVEL: 'error', ...env },
      readyWhen: (line) => line.startsWith('Spillway is ready'),
    });
    await child.ready;
    return child;
  };
  const call = (key: string, method: string, path: string, body?: object) =>
    fetch(`http://127.0.0.1:${port}/api/v1/keys${path}`, {
      method,
      headers: { 'x-api-key': key, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const shown = ({ stdout }: { readonly stdout: readonly string[] }) =>
    stdout.flatMap((line) => /^The admin key, shown this once: (\S+)$/.exec(line)?.slice(1, 2) ?? []);

  let first = '';
  {
    await using service = await start();
    [first = ''] = shown(service);
    const refused = await call(first, 'DELETE', '/admin');
    expect(refused.status).toBe(409);
    expect(refused.headers.get('content-type')).toBe('application/problem+json');
    expect(await refused.json()).toEqual({
      type: 'urn:spillway:problem:own-key',
      title: 'A key can not revoke itself',
      status: 409,
      detail:
        '"admin" is the key that asks, which would lock itself out; start the service with another ADMIN_KEY, and ask with that',
      instance: '/api/v1/keys/admin',
    });
    const made = await call(first, 'POST', '', { name: 'keeper', scopes: ['keys:admin'] });
    const { id, key } = (await made.json()) as { id: string; key: string };
    expect((await call(key, 'DELETE', `/${id}`)).status).toBe(409);
    expect((await call(key, 'GET', '')).status).toBe(200);
    // It is listed, so nobody is told that it is not there.
    const { data } = (await (await call(key, 'GET', '')).json()) as { data: { id: string }[] };
    expect(data.map((one) => one.id)).toContain('admin');
    for (const [who, method, body] of [
      [key, 'DELETE', undefined],
      [key, 'PATCH', { name: 'mine' }],
      [first, 'PATCH', { name: 'mine' }],
    ] as const) {
      const answer = await call(who, method, '/admin', body);
      expect(await answer.json()).toMatchObject({
        status: 409,
        type: 'urn:spillway:problem:admin-key',
        detail: expect.stringMatching(/^"admin" is the admin key, .*start the service with another ADMIN_KEY/),
      });
    }
    expect((await call(first, 'DELETE', `/${id}`)).status).toBe(204);
    expect((await call(first, 'GET', '')).status).toBe(200);
    await service.stop();
  }
  {
    const adminKey = 'the-new-key-of-the-admin';
    await using service = await start({ ADMIN_KEY: adminKey });
    expect((await call(adminKey, 'DELETE', '/admin')).status).toBe(204);
    expect((await call(first, 'GET', '')).status).toBe(401);
    await service.stop();
  }
  await using service = await start();
  const [last = ''] = shown(service);
  expect((await call(last, 'GET', '')).status).toBe(200);
  expect((await call(first, 'GET', '')).status).toBe(401);
});
