import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { availableParallelism } from 'node:os';
import { freePort, openLoad, startNginx, until } from '@spillway/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { nginxConfig } from '../../../../scripts/cluster/nginx-config.ts';
import { type Cluster, startCluster } from '../../../../scripts/cluster/start-cluster.ts';
import { type RawAnswer, rawRequest, sendRaw } from '../support/raw-http.ts';

function expectProblem({ head, body }: RawAnswer, status: number): void {
  expect(head).toMatch(/^content-type: application\/problem\+json/im);
  expect(JSON.parse(body)).toMatchObject({
    status,
    title: expect.any(String),
    detail: expect.any(String),
    instance: expect.stringMatching(/^(\/|urn:uuid:(?!0{8})[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$)/),
  });
}

describe('three instances behind the shipped nginx configuration', () => {
  let cluster: Cluster;
  let port: number;
  let codes: string[];
  beforeAll(async () => {
    cluster = await startCluster({ env: { LIMIT_MISS: '3/m burst 3', LOG_LEVEL: 'warn' } });
    port = cluster.nginx.port;
    const response = await fetch(`${cluster.url}/api/v1/links/batch`, {
      method: 'POST',
      headers: { 'x-api-key': cluster.adminKey, 'content-type': 'application/json' },
      body: JSON.stringify({ links: Array.from({ length: 20 }, (_, i) => ({ url: `https://example.com/${i}` })) }),
    });
    const { results } = (await response.json()) as { results: { link: { code: string } }[] };
    codes = results.map(({ link }) => link.code);
  });
  afterAll(async () => {
    await cluster?.close();
  });

  test('the instances take turns, and X-Served-By names them', async () => {
    const seen = new Map<string, number>();
    for (let i = 0; i < 30; i += 1) {
      const { status, head } = await sendRaw(port, rawRequest(`GET /${codes[0]}`));
      expect(status).toBe(302);
      const name = /^x-served-by: (.*)$/im.exec(head)?.[1] ?? '';
      seen.set(name, (seen.get(name) ?? 0) + 1);
    }
    expect([...seen.keys()].sort()).toEqual(['links-1', 'links-2', 'links-3']);
    expect(Math.min(...seen.values())).toBeGreaterThanOrEqual(5);
  });

  test('G4: an instance killed under load is not seen by who reads', async () => {
    await using load = openLoad({
      url: `http://127.0.0.1:${port}`,
      requests: codes.map((code) => `/${code}`),
      clients: 500,
      connections: 32,
      rate: 400,
      servedBy: 'x-served-by',
    });
    for (const instance of cluster.instances.slice(0, 2)) {
      const before = load.progress.answered;
      await until(() => load.progress.answered > before + 400, { timeoutMs: 20_000, what: 'load before the kill' });
      await instance.process.kill();
      const killed = load.progress.answered;
      await until(() => load.progress.answered > killed + 400, { timeoutMs: 20_000, what: 'load after the kill' });
      await instance.restart();
    }
    const report = await load.stop();
    expect(Object.keys(report.statuses)).toEqual(['302']);
    expect(report.errors).toEqual({});
    expect(Object.keys(report.redirects).sort()).toEqual(['links-1', 'links-2', 'links-3']);
  });

  test('G4: an instance that hangs costs who reads some patience, and no answer', async () => {
    const [hung] = cluster.instances;
    const serves = async () => /^x-served-by: links-1$/im.test((await sendRaw(port, rawRequest('GET /healthz'))).head);
    await until(serves, { timeoutMs: 30_000, what: 'links-1 to serve' });
    hung?.process.pause();
    try {
      const visits = Array.from({ length: 30 }, (_, i) => sendRaw(port, rawRequest(`GET /${codes[i % codes.length]}`)));
      const answers = await Promise.all(visits);
      expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 302));
      for (const { head } of answers) expect(head).not.toMatch(/^x-served-by: links-1$/im);
    } finally {
      hung?.process.resume();
    }
    // Taken in again by itself.
    await until(serves, { timeoutMs: 30_000, what: 'links-1 to serve again' });
  });

  test('G4: while PostgreSQL hangs the instances answer for themselves, and none is taken for broken', async () => {
    const from = (i: number) => ({ 'X-Forwarded-For': `198.51.100.${i}` });
    const known = () => Promise.all(codes.map((code) => sendRaw(port, rawRequest(`GET /${code}`))));
    for (let round = 0; round < 3; round += 1) await known();
    cluster.postgres.pause();
    try {
      const unknown = Array.from({ length: 30 }, (_, i) => sendRaw(port, rawRequest(`GET /unknown${i}`, from(i))));
      for (const answer of await Promise.all(unknown)) {
        expectProblem(answer, 503);
        expect(answer.head).toMatch(/^x-served-by: links-/im);
      }
      for (const answer of await known()) expect(answer.status).toBe(302);
    } finally {
      cluster.postgres.resume();
    }
    // By each of them: one may find out later than another.
    const back = new Set<string>();
    const areBack = async () => {
      const { status, head } = await sendRaw(port, rawRequest(`GET /unknown-${back.size}`, from(100 + back.size)));
      const by = /^x-served-by: (\S+)/im.exec(head)?.[1];
      if (status === 404 && by !== undefined) back.add(by);
      return back.size === cluster.instances.length;
    };
    await until(areBack, { timeoutMs: 30_000, what: 'PostgreSQL to be asked again by each instance' });
  });

  test('a client that writes X-Forwarded-For itself stays the same client', async () => {
    const guess = (from: string, i: number) =>
      sendRaw(port, rawRequest(`GET /guess${i}`, { 'X-Forwarded-For': `198.51.100.${i}` }), { from });
    const statuses = [];
    for (let i = 0; i < 20; i += 1) statuses.push((await guess('127.0.0.2', i)).status);
    expect(statuses).toContain(429);
    // Who is trusted to say for whom it asks (the replay on this machine) is believed: twenty clients with one guess each.
    for (let i = 0; i < 20; i += 1) expect((await guess('127.0.0.1', i)).status).toBe(404);
  });

  test('what is too large or can not be read is refused as a problem', async () => {
    expectProblem(await sendRaw(port, rawRequest(`GET /${'a'.repeat(20_000)}`)), 414);
    expectProblem(await sendRaw(port, rawRequest(`GET /${'a'.repeat(8_000)}`)), 414);
    expectProblem(await sendRaw(port, rawRequest('GET /x', { 'X-Large': 'a'.repeat(40_000) })), 431);
    expectProblem(
      await sendRaw(port, rawRequest('GET /x', { 'X-Large': 'a'.repeat(15_000), 'X-2': 'a'.repeat(9_000) })),
      431,
    );
    const key = { 'X-Api-Key': cluster.adminKey, 'Content-Type': 'application/json' };
    expectProblem(
      await sendRaw(port, rawRequest('POST /api/v1/links', { ...key, 'Content-Length': String(17 * 2 ** 20) })),
      413,
    );
    const body = `{"url":"https://example.com/${'a'.repeat(2 ** 21)}"}`;
    const large = await sendRaw(
      port,
      rawRequest('POST /api/v1/links', { ...key, 'Content-Length': String(body.length) }, body),
    );
    expectProblem(large, 413);
    expect(JSON.parse(large.body).detail).toContain('1 MiB, a batch 16 MiB');
    expectProblem(await sendRaw(port, 'GET / HTTP/1.1\r\n\r\n'), 400);
    for (const path of ['/%00', '/../x', '/"/../../x'])
      expectProblem(await sendRaw(port, rawRequest(`GET ${path}`)), 400);
    expectProblem(await sendRaw(port, rawRequest('GET /metrics')), 404);
  });
});

describe('what the shipped nginx configuration does', () => {
  const upstreams: Server[] = [];
  afterAll(() => {
    for (const server of upstreams) {
      server.closeAllConnections();
      server.close();
    }
  });
  const startUpstream = async (answer: (request: IncomingMessage, response: ServerResponse) => void) => {
    const upstream = { requests: [] as string[], connections: 0, port: 0 };
    const server = createServer((request, response) => {
      upstream.requests.push(`${request.method} ${request.url}`);
      answer(request, response);
    });
    server.on('connection', () => {
      upstream.connections += 1;
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    upstreams.push(server);
    upstream.port = (server.address() as AddressInfo).port;
    return upstream;
  };
  const good = (request: IncomingMessage, response: ServerResponse) => {
    request.resume();
    request.on('end', () => response.end(JSON.stringify(request.headers)));
  };
  const front = async (...instances: number[]) => {
    const port = await freePort();
    return startNginx({ config: nginxConfig({ port, instances }), port });
  };

  test('a GET whose instance dies goes to the next one; a POST that was sent is not repeated', async () => {
    const dying = await startUpstream((request) => request.socket.destroy());
    const living = await startUpstream(good);
    await using nginx = await front(dying.port, living.port);
    let lost = 0;
    for (let i = 0; i < 4; i += 1) {
      const answer = await sendRaw(nginx.port, rawRequest(`POST /${i}`, { 'Content-Length': '2' }, '{}'));
      const reached = [...dying.requests, ...living.requests].filter((request) => request === `POST /${i}`);
      expect(reached).toHaveLength(1);
      if (answer.status === 200) continue;
      lost += 1;
      expectProblem(answer, 503);
      expect(answer.head).toMatch(/^retry-after: \d+$/im);
    }
    expect(lost).toBeGreaterThan(0);
    for (let i = 0; i < 10; i += 1) expect((await sendRaw(nginx.port, rawRequest(`GET /${i}`))).status).toBe(200);
  });

  test('a POST to an instance that is not there reaches another, once', async () => {
    const living = await startUpstream(good);
    await using nginx = await front(await freePort(), living.port);
    for (let i = 0; i < 6; i += 1) {
      const answer = await sendRaw(nginx.port, rawRequest(`POST /${i}`, { 'Content-Length': '2' }, '{}'));
      expect(answer.status).toBe(200);
    }
    expect(living.requests.sort()).toEqual(Array.from({ length: 6 }, (_, i) => `POST /${i}`));
  });

  test('what may take long is not cut when a redirect would be: passwords, statistics', async () => {
    const held: (() => void)[] = [];
    const slow = await startUpstream((request, response) => held.push(() => good(request, response)));
    const living = await startUpstream(good);
    await using nginx = await front(slow.port, living.port);
    /** Sends the request again, as another, until the slow one has got it. */
    const holdUp = async (method: string, path: string) => {
      for (let i = 0; ; i += 1) {
        const request = `${method} ${path}${i}`;
        const answer = sendRaw(nginx.port, rawRequest(request, method === 'POST' ? { 'Content-Length': '0' } : {}));
        await until(() => [...slow.requests, ...living.requests].includes(request));
        if (slow.requests.includes(request)) return { request, answer };
        await answer;
      }
    };
    const patient = [await holdUp('POST', '/guarded'), await holdUp('GET', '/api/v1/stats?n=')];
    const quick = await holdUp('GET', '/code');
    // The latest of the three is given up first, and answered by the other.
    expect((await quick.answer).status).toBe(200);
    expect(living.requests).toContain(quick.request);
    for (const release of held) release();
    for (const { request, answer } of patient) {
      expect((await answer).status, request).toBe(200);
      expect([...slow.requests, ...living.requests].filter((each) => each === request)).toHaveLength(1);
    }
  });

  test('connections to the instances are kept, and only one address of the client gets through', async () => {
    const upstream = await startUpstream(good);
    await using nginx = await front(upstream.port);
    const headersOf = async (headers: Record<string, string>, from: string) =>
      JSON.parse((await sendRaw(nginx.port, rawRequest('GET /', headers), { from })).body);
    const spoofed = { 'X-Forwarded-For': '10.0.0.1, 203.0.113.7', 'X-Spillway-Time': '1700000000000' };
    const stranger = await headersOf(spoofed, '127.0.0.2');
    expect(stranger['x-forwarded-for']).toBe('127.0.0.2');
    expect(stranger['x-spillway-time']).toBeUndefined();
    const own = await headersOf(spoofed, '127.0.0.1');
    expect(own['x-forwarded-for']).toBe('203.0.113.7');
    expect(own['x-spillway-time']).toBe('1700000000000');
    for (let i = 0; i < 50; i += 1) await headersOf({}, '127.0.0.1');
    // One at a time, so that every worker process of nginx needs one.
    expect(upstream.connections).toBeLessThanOrEqual(availableParallelism());
  });

  test.each([
    ['an IPv4 address', { flood: '198.51.100.1', same: '198.51.100.1', other: '198.51.100.2' }],
    ['an IPv6 network', { flood: '2001:db8:0:1::{{n}}', same: '2001:db8:0:1:ffff::1', other: '2001:db8:0:2::1' }],
  ])('G2: a flood from %s is refused before it reaches an instance, and only there', async (_name, client) => {
    const upstream = await startUpstream(good);
    await using nginx = await front(upstream.port);
    await using load = openLoad({
      url: `http://127.0.0.1:${nginx.port}`,
      requests: [{ path: '/', headers: { 'x-forwarded-for': client.flood } }],
      connections: 16,
      total: 9_000,
    });
    const ask = (address: string) => sendRaw(nginx.port, rawRequest('GET /', { 'X-Forwarded-For': address }));
    let refused: RawAnswer | undefined;
    await until(
      async () => {
        const answer = await ask(client.same);
        if (answer.status === 429) refused = answer;
        return answer.status === 429;
      },
      { timeoutMs: 30_000, everyMs: 1, what: 'the flood to be refused' },
    );
    expect((await ask(client.other)).status).toBe(200);
    if (refused !== undefined) {
      expectProblem(refused, 429);
      expect(refused.head).toMatch(/^retry-after: \d+$/im);
    }
    const report = await load.done;
    expect(Object.keys(report.statuses).sort()).toEqual(['200', '429']);
  });
});
