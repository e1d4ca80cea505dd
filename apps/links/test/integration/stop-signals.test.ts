import { readFileSync } from 'node:fs';
import { freePort, isRunning, spawnProcess, temporaryDirectory, until } from '@spillway/testkit';
import { expect, test } from 'vitest';
import { rawRequest, sendRaw } from '../support/raw-http.ts';
import { beginCreation } from '../support/slow-creation.ts';
import { type Embedded, startEmbedded } from '../support/spillway.ts';
import { startWorkers } from '../support/workers.ts';

const ROOT = new URL('../../../..', import.meta.url);
const KEY = 'admin-key-for-tests-0123';

// With workers a connection that comes while the last of them closes waits for the primary's end: asked again, it is refused.
const refuses = (url: string) => async () =>
  fetch(`${url}/healthz`, { headers: { connection: 'close' }, signal: AbortSignal.timeout(1_000) }).then(
    () => false,
    (error: Error) => error.name !== 'TimeoutError',
  );

async function linksAndVisits({ url, adminKey }: Embedded, visits: number): Promise<string[]> {
  const answer = await fetch(`${url}/api/v1/links/batch`, {
    method: 'POST',
    headers: { 'x-api-key': adminKey, 'content-type': 'application/json' },
    body: JSON.stringify({ links: Array.from({ length: 20 }, (_, i) => ({ url: `https://example.org/${i}` })) }),
  });
  const { results } = (await answer.json()) as { results: { link: { code: string } }[] };
  const codes = results.map(({ link }) => link.code);
  const asked = Array.from({ length: visits }, (_, i) => fetch(`${url}/${codes[i % 20]}`, { redirect: 'manual' }));
  for (const visit of await Promise.all(asked)) expect(visit.status).toBe(302);
  return codes;
}

async function countedClicks(url: string): Promise<number> {
  const answer = await fetch(`${url}/api/v1/stats`, { headers: { 'x-api-key': KEY } });
  return ((await answer.json()) as { totals: { clicks: number } }).totals.clicks;
}

test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
  'G6: embedded, %s right after the last click loses nothing',
  async (signal) => {
    await using directory = temporaryDirectory({ name: 'stop' });
    await using service = await startEmbedded({ DATA_DIR: directory.path, LIMIT_REDIRECT: 'off' });
    const codes = await linksAndVisits(service, 300);
    service.process.signal(signal);
    expect(await service.process.exited).toEqual({ code: 0, signal: null });
    await service.restart();
    await until(async () => (await countedClicks(service.url)) >= 300);
    expect(await countedClicks(service.url)).toBe(300);
    for (const code of codes) {
      expect((await fetch(`${service.url}/${code}`, { redirect: 'manual' })).status).toBe(302);
    }
  },
);

test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('an echo of %s does not cut what is under way', async (signal) => {
  await using service = await startEmbedded();
  const creation = await beginCreation(service.url, KEY);
  service.process.signal(signal);
  await until(refuses(service.url));
  service.process.signal(signal);
  expect((await creation.finish()).status).toBe(201);
  expect(await service.process.exited).toEqual({ code: 0, signal: null });
});

/** Connections to this port of 127.0.0.1 that the kernel has made and nobody has accepted yet. */
function waitingConnections(port: number): number {
  const local = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const LISTENING = '0A';
  for (const line of readFileSync('/proc/net/tcp', 'utf8').split('\n')) {
    const [, address, , state, queues = ''] = line.trim().split(/\s+/);
    if (address === local && state === LISTENING) return Number.parseInt(queues.split(':')[1] ?? '', 16);
  }
  return 0;
}

test('whoever was connected before the stop is answered, accepted or not', async () => {
  await using service = await startEmbedded();
  const port = Number(new URL(service.url).port);
  const body = JSON.stringify({ url: 'https://example.org/waits' });
  const headers = {
    'X-Api-Key': KEY,
    'Content-Type': 'application/json',
    'Content-Length': String(body.length),
    Connection: 'close',
  };
  // While it stands still, the kernel takes connections and requests on its behalf.
  service.process.pause();
  const answers = Array.from({ length: 50 }, () => sendRaw(port, rawRequest('POST /api/v1/links', headers, body)));
  await until(() => waitingConnections(port) === answers.length);
  service.process.signal('SIGTERM');
  service.process.resume();
  expect((await Promise.all(answers)).map(({ status }) => status)).toEqual(answers.map(() => 201));
  expect(await service.process.exited).toEqual({ code: 0, signal: null });
});

test('Ctrl-C of "npm start", which the service gets from the terminal and from npm, cuts nothing', async () => {
  await using directory = temporaryDirectory({ name: 'npm-start' });
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  await using npm = spawnProcess({
    name: 'npm start',
    command: 'npm',
    args: ['start'],
    cwd: ROOT.pathname,
    env: { PORT: String(port), HOST: '127.0.0.1', DATA_DIR: directory.path, ADMIN_KEY: KEY },
    readyWhen: (line) => line.includes('Spillway is ready'),
  });
  await npm.ready;
  const creation = await beginCreation(url, KEY);
  process.kill(-npm.pid, 'SIGINT');
  await until(refuses(url));
  expect((await creation.finish()).status).toBe(201);
  await npm.exited;
});

test('who presses Ctrl-C again after a while ends the service at once', async () => {
  await using service = await startEmbedded();
  await beginCreation(service.url, KEY);
  await until(() => {
    service.process.signal('SIGINT');
    return !service.process.running;
  });
  expect(await service.process.exited).toEqual({ code: 130, signal: null });
});

/** One creation under way on each worker. */
async function creationsOnBoth(url: string) {
  // The primary hands out connections in turn.
  return [await beginCreation(url, KEY), await beginCreation(url, KEY)];
}

test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('WORKERS=2: %s to the whole group cuts nothing', async (signal) => {
  await using service = await startWorkers();
  const creations = await creationsOnBoth(service.url);
  process.kill(-service.primary.pid, signal);
  await until(refuses(service.url));
  const answers = await Promise.all(creations.map((creation) => creation.finish()));
  expect(answers.map(({ status }) => status)).toEqual([201, 201]);
  expect(answers.map(({ servedBy }) => servedBy).sort()).toEqual(['pair-w1', 'pair-w2']);
  expect(await service.primary.exited).toEqual({ code: 0, signal: null });
  expect(service.primary.stderr).toEqual([]);
});

test('WORKERS=2: who presses Ctrl-C again after a while ends all at once', async () => {
  await using service = await startWorkers();
  const workers = service.workers();
  await creationsOnBoth(service.url);
  await until(() => {
    process.kill(-service.primary.pid, 'SIGINT');
    return !service.primary.running;
  });
  expect(await service.primary.exited).toEqual({ code: 130, signal: null });
  await until(() => !workers.some((pid) => isRunning(pid)), { timeoutMs: 2_000 });
});

test('WORKERS=2: a worker that hangs is killed in the end, and the exit code says so', async () => {
  await using service = await startWorkers();
  const [hung = 0] = service.workers();
  process.kill(hung, 'SIGSTOP');
  expect((await service.primary.stop({ timeoutMs: 25_000 })).code).toBe(1);
  expect(isRunning(hung)).toBe(false);
  expect(service.primary.stderr.join('\n')).toContain('did not stop');
});

test('WORKERS=2: when the primary is killed, the workers finish what is under way and end', async () => {
  await using service = await startWorkers();
  const workers = service.workers();
  const creations = await creationsOnBoth(service.url);
  service.primary.signal('SIGKILL');
  await until(refuses(service.url));
  const answers = await Promise.all(creations.map((creation) => creation.finish()));
  expect(answers.map(({ status }) => status)).toEqual([201, 201]);
  await until(() => !workers.some((pid) => isRunning(pid)), { timeoutMs: 15_000 });
});
