import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isRunning, openLoad, redirectsSeen, until } from '@spillway/testkit';
import { expect, test } from 'vitest';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

async function serve(answer: Answer) {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { url: `http://127.0.0.1:${port}`, close, [Symbol.asyncDispose]: close };
}

test('closed loop: every request of the total is made once, answered and told apart', async () => {
  const seen = new Map<string, number>();
  const clients = new Set<unknown>();
  await using server = await serve((request, response) => {
    const path = request.url ?? '';
    seen.set(path, (seen.get(path) ?? 0) + 1);
    clients.add(request.headers['x-forwarded-for']);
    if (path === '/missing') response.writeHead(404).end('x'.repeat(100_000));
    else response.writeHead(302, { location: `https://example.com${path}`, 'x-served-by': path }).end();
  });
  await using load = openLoad({
    url: server.url,
    requests: ['/a', '/b', '/missing'],
    total: 3_000,
    clients: 700,
    connections: 8,
    servedBy: 'x-served-by',
  });
  const report = await load.done;
  expect([...seen].sort()).toEqual([
    ['/a', 1_000],
    ['/b', 1_000],
    ['/missing', 1_000],
  ]);
  expect(clients.size).toBe(700);
  expect(report).toMatchObject({
    sent: 3_000,
    answered: 3_000,
    statuses: { 302: 2_000, 404: 1_000 },
    errors: {},
    redirectsByRequest: [1_000, 1_000, 0],
  });
  expect(report.locations).toEqual(['https://example.com/a', 'https://example.com/b', null]);
  expect(redirectsSeen(report, { server: '/a', fromMs: 0, untilMs: Date.now() })).toBe(1_000);
  expect(report.latency.count).toBe(3_000);
  await until(() => !isRunning(load.pid));
});

test('open loop: a server that stalls is charged for every start it delayed', async () => {
  // The second request blocks the only connection for 300 ms; those due meanwhile start late, and say so.
  let number = 0;
  await using server = await serve((_, response) => {
    setTimeout(() => response.end(), ++number === 2 ? 300 : 0);
  });
  await using load = openLoad({ url: server.url, requests: ['/'], rate: 100, total: 40, connections: 1 });
  const report = await load.done;
  expect(report.statuses).toEqual({ 200: 40 });
  // Of the 40, a request every 10 ms, the second took 300 ms and some 28 more were due meanwhile: the median is one of them.
  expect(report.latency.p50Ms).toBeGreaterThan(50);
  expect(report.latency.maxMs).toBeGreaterThanOrEqual(300);
});

test('templates make every request different', async () => {
  const bodies = new Set<string>();
  await using server = await serve((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      bodies.add(body);
      response.writeHead(201).end();
    });
  });
  await using load = openLoad({
    url: server.url,
    requests: [{ method: 'POST', path: '/', headers: { 'content-type': 'application/json' }, body: '{"n":"{{n}}"}' }],
    total: 500,
  });
  expect((await load.done).statuses).toEqual({ 201: 500 });
  expect(bodies).toEqual(new Set(Array.from({ length: 500 }, (_, n) => `{"n":"${n}"}`)));
});

test('what fails is counted by how, goes on, and adds up', async () => {
  await using healthy = await serve((_, response) => response.end());
  const broken = await serve((request) => request.socket.resetAndDestroy());
  await using load = openLoad({ url: [healthy.url, broken.url], requests: ['/'], connections: 2, rate: 200 });
  await until(() => (load.progress.errors.reset ?? 0) > 5);
  await broken.close();
  await until(() => (load.progress.errors.refused ?? 0) > 2);
  const report = await load.stop();
  const failed = Object.values(report.errors).reduce((sum, number) => sum + number, 0);
  expect(report.sent).toBe(report.answered + failed);
  expect(report.answered).toBeGreaterThan(5);
});

test('a server that hangs costs a timeout, and the connection', async () => {
  const connections = new Set<unknown>();
  await using server = await serve((request) => void connections.add(request.socket));
  await using load = openLoad({ url: server.url, requests: ['/'], connections: 1, timeoutMs: 100, total: 3 });
  expect((await load.done).errors).toEqual({ timeout: 3 });
  expect(connections.size).toBe(3);
});
