import { type FaultProxy, startFaultProxy } from '@spillway/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Embedded, spillway, startEmbedded } from '../support/spillway.ts';

let service: Embedded;
let proxy: FaultProxy;
let env: Record<string, string>;

beforeAll(async () => {
  service = await startEmbedded();
  proxy = await startFaultProxy({ target: { port: Number(new URL(service.url).port) } });
  env = { SPILLWAY_SERVER: `http://${proxy.host}:${proxy.port}`, SPILLWAY_KEY: service.adminKey };
});

afterAll(async () => {
  await proxy?.close();
  await service?.[Symbol.asyncDispose]();
});

/** The first answer to such a request is lost, and its connection reset. */
function loseOne(method: string): void {
  let lost = 0;
  proxy.dropReplies(({ request }) => request.toString('latin1').startsWith(method) && lost++ === 0, {
    afterwards: 'reset',
  });
}

const keysNamed = async (name: string): Promise<{ id: string }[]> => {
  const { stdout } = await spillway(['keys', 'list', '--json'], { env });
  return JSON.parse(stdout).filter((key: { name: string }) => key.name === name);
};

test('a key is not made twice when the answer is lost: what to do is said instead', async () => {
  loseOne('POST');
  const made = await spillway(['keys', 'create', 'lost'], { env });
  expect(made.stdout).toBe('');
  expect(made.stderr).toMatch(
    /^No service answers at .*\nWhether the key was made is not known\. .* named "lost", revoke/,
  );
  expect(made.code).toBe(1);
  expect(await keysNamed('lost')).toHaveLength(1);
});

test('a key that was revoked while the answer was lost is gone, and one that never was is an error', async () => {
  await spillway(['keys', 'create', 'revoked'], { env });
  const [{ id } = { id: '' }] = await keysNamed('revoked');
  loseOne('DELETE');
  const revoked = await spillway(['keys', 'revoke', id], { env });
  expect(revoked).toEqual({
    code: 0,
    stdout: `There is no key "${id}" any more; the first answer was lost.`,
    stderr: '',
  });
  const again = await spillway(['keys', 'revoke', id], { env });
  expect(again.stderr).toContain(`There is no key "${id}"`);
  expect(again.code).toBe(1);
});
