/** What every adapter does alike, in the real framework and on a real socket. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { concurrency, createLimiter, fixedWindow, type Limiter, memoryLimitStore, tokenBucket } from '@spillway/limit';
import { parseList } from 'structured-headers';
import { afterEach, describe, expect, test } from 'vitest';
import { type App, type AppOptions, apps } from '../../support/http-apps.ts';

// A clock that stands still: nothing refills unless a test says so.
const clock = { nowUs: () => 1_763_000_000_000_000 };
const two = tokenBucket({ name: 'client', capacity: 2, refill: { tokens: 2, every: '1m' } });
const hourly = fixedWindow({ name: 'hourly', limit: 100, window: '1h' });
const limiterOf = (...policies: Limiter['policies']) => createLimiter({ policies }, { clock });
const failing = (limiter: Limiter, error: unknown): Limiter => ({
  ...limiter,
  synchronous: false,
  take: () => Promise.reject(error),
});

describe.each(Object.entries(apps))('%s', (_name, start) => {
  let app: App;
  const open = async (...limiters: readonly AppOptions[]) => {
    app = await start(...limiters);
  };
  const get = (headers: Record<string, string> = {}, path = '200') => fetch(`${app.url}/${path}`, { headers });
  const statuses = async (...requests: readonly (() => Promise<Response>)[]) => {
    const found: number[] = [];
    for (const request of requests) found.push((await request()).status);
    return found;
  };
  afterEach(() => app.close());

  test('tells on every answer how it stands, and refuses with problem+json', async () => {
    await open({ limiter: limiterOf(two, hourly) });
    const first = await get();
    expect([first.status, await first.text()]).toEqual([200, 'hello']);
    expect(parseList(first.headers.get('ratelimit-policy') ?? '')).toEqual([
      [
        'client',
        new Map([
          ['q', 2],
          ['w', 60],
        ]),
      ],
      [
        'hourly',
        new Map([
          ['q', 100],
          ['w', 3600],
        ]),
      ],
    ]);
    expect(parseList(first.headers.get('ratelimit') ?? '')).toMatchObject([
      [
        'client',
        new Map([
          ['r', 1],
          ['t', 30],
        ]),
      ],
      [
        'hourly',
        new Map([
          ['r', 99],
          ['t', expect.any(Number)],
        ]),
      ],
    ]);
    expect(first.headers.has('retry-after')).toBe(false);
    expect(first.headers.has('x-ratelimit-limit')).toBe(false);
    await get();
    const third = await get();
    expect(third.status).toBe(429);
    expect(third.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(third.headers.get('retry-after')).toBe('30');
    expect(parseList(third.headers.get('ratelimit') ?? '')[0]).toEqual([
      'client',
      new Map([
        ['r', 0],
        ['t', 30],
      ]),
    ]);
    expect(await third.json()).toEqual({
      type: 'https://iana.org/assignments/http-problem-types#quota-exceeded',
      title: expect.any(String),
      status: 429,
      detail: 'Policy "client" allows 2 at once; try again in 30 s.',
      'violated-policies': ['client'],
    });
    expect(app.served()).toBe(2);
  });

  test('by default nobody is believed about X-Forwarded-For', async () => {
    await open({ limiter: limiterOf(two) });
    const from = (address: string) => () => get({ 'x-forwarded-for': address });
    expect(await statuses(from('198.51.100.1'), from('198.51.100.2'), from('198.51.100.3'))).toEqual([200, 200, 429]);
  });

  test('a trusted proxy is believed, what its client wrote is not, and IPv6 counts by /64', async () => {
    await open({ limiter: limiterOf(two), trustedProxies: ['loopback', '10.0.0.0/8'] });
    const from = (addresses: string) => () => get({ 'x-forwarded-for': addresses });
    expect(
      await statuses(from('1.1.1.1, 198.51.100.1, 10.2.3.4'), from('2.2.2.2,198.51.100.1'), from('198.51.100.1')),
    ).toEqual([200, 200, 429]);
    expect(await statuses(from('2001:db8:1:2::1'), from('2001:db8:1:2:ffff::9'), from('2001:db8:1:2::3'))).toEqual([
      200, 200, 429,
    ]);
    expect(await statuses(from('2001:db8:1:3::1'))).toEqual([200]);
  });

  test('charges by key and cost, nobody without a key, and not what is skipped', async () => {
    await open({
      limiter: limiterOf(two),
      key: async (header) => header('x-api-key'),
      cost: (header) => Number(header('x-cost') ?? 1),
      skip: (header) => header('x-internal') === 'yes',
    });
    const ada = { 'x-api-key': 'ada' };
    expect((await get()).headers.has('ratelimit')).toBe(false);
    expect((await get({ ...ada, 'x-internal': 'yes' })).headers.has('ratelimit')).toBe(false);
    expect((await get({ ...ada, 'x-cost': '2' })).headers.get('ratelimit')).toBe('"client";r=0;t=30');
    expect(
      await statuses(
        () => get(ada),
        () => get({ ...ada, 'x-internal': 'yes' }),
        () => get({ 'x-api-key': 'grace' }),
      ),
    ).toEqual([429, 200, 200]);
    const never = await get({ 'x-api-key': 'joan', 'x-cost': '3' });
    expect([never.status, never.headers.has('retry-after')]).toEqual([429, false]);
  });

  test('legacy headers and a partition key only on demand', async () => {
    await open({ limiter: limiterOf(two), legacyHeaders: true, partitionKey: (header) => header('x-tenant') });
    const before = Math.floor(Date.now() / 1000);
    const { headers } = await get({ 'x-tenant': 'björn' });
    expect(headers.get('x-ratelimit-limit')).toBe('2');
    expect(headers.get('x-ratelimit-remaining')).toBe('1');
    expect(Number(headers.get('x-ratelimit-reset'))).toBeGreaterThanOrEqual(before + 30);
    expect(Number(headers.get('x-ratelimit-reset'))).toBeLessThanOrEqual(before + 120);
    for (const field of ['ratelimit', 'ratelimit-policy']) {
      const [[, parameters] = []] = parseList(headers.get(field) ?? '');
      expect(Buffer.from(parameters?.get('pk') as ArrayBuffer).toString()).toBe('björn');
    }
  });

  test('two limiters on one route each add to the lists, and the tighter one names the legacy fields', async () => {
    const all = { limiter: limiterOf(hourly), key: () => 'all', legacyHeaders: true };
    for (const order of [
      [{ limiter: limiterOf(two), legacyHeaders: true }, all],
      [all, { limiter: limiterOf(two), legacyHeaders: true }],
    ]) {
      await app?.close();
      await open(...order);
      const { headers } = await get();
      const names = parseList(headers.get('ratelimit') ?? '').map(([name]) => name);
      expect(names.toSorted()).toEqual(['client', 'hourly']);
      expect(headers.get('x-ratelimit-limit')).toBe('2');
    }
  });

  test.each([
    ['failed', '200', '401'],
    ['successful', '404', '200'],
  ] as const)('with count "%s" an answer %s is given back and %s stays charged', async (count, free, charged) => {
    const limiter = limiterOf(two);
    await open({ limiter, key: () => 'ada', count });
    for (let times = 0; times < 5; times += 1) {
      expect((await get({}, free)).headers.get('ratelimit')).toBe('"client";r=1;t=30');
      await expect.poll(async () => (await limiter.peek('ada')).remaining).toBe(2);
    }
    expect(
      await statuses(
        () => get({}, charged),
        () => get({}, charged),
        () => get({}, charged),
      ),
    ).toEqual([Number(charged), Number(charged), 429]);
    expect(await limiter.peek('ada')).toMatchObject({ remaining: 0 });
  });

  test('a route that throws has failed', async () => {
    const limiter = limiterOf(two);
    await open({ limiter, key: () => 'ada', count: 'successful' });
    expect((await get({}, 'throw')).status).toBe(500);
    await expect.poll(async () => (await limiter.peek('ada')).remaining).toBe(2);
  });

  test('a slot is held until the answer, whatever it is', async () => {
    const limiter = limiterOf(concurrency({ name: 'slots', limit: 1, lease: '1h' }));
    await open({ limiter, key: () => 'ada' });
    for (const path of ['200', '404', 'throw', '200']) {
      const { headers, status } = await get({}, path);
      expect(status).not.toBe(429);
      await expect.poll(async () => (await limiter.peek('ada')).remaining).toBe(1);
      // What a plain handler throws is the runtime's to answer, without these fields.
      if (path === 'throw') continue;
      expect(parseList(headers.get('ratelimit-policy') ?? '')).toEqual([
        [
          'slots',
          new Map<string, unknown>([
            ['q', 1],
            ['qu', 'concurrent-requests'],
          ]),
        ],
      ]);
    }
  });

  test.each(['key', 'cost', 'skip', 'partitionKey', 'refuse'] as const)(
    'what %s throws reaches the error handler, and nothing was half-answered',
    async (option) => {
      const broken = new Error(`no ${option}`);
      const options: AppOptions = {
        limiter: limiterOf(tokenBucket({ name: 'one', capacity: 1, refill: { tokens: 1, every: '1h' } })),
        key: () => 'ada',
        [option]: () => {
          throw broken;
        },
      };
      await open(options);
      if (option === 'refuse') await get();
      const answer = await get();
      expect([answer.status, await answer.json()]).toEqual([500, { by: 'error handler' }]);
      expect(app.errors).toEqual([broken]);
      expect(app.served()).toBe(option === 'refuse' ? 1 : 0);
      if (option !== 'refuse') expect(await options.limiter.peek('ada')).toMatchObject({ remaining: 1 });
    },
  );

  test.each(['key', 'cost', 'skip', 'refuse'] as const)('what %s rejects with, too', async (option) => {
    const broken = new Error(`no ${option}`);
    const limiter = limiterOf(tokenBucket({ name: 'one', capacity: 1, refill: { tokens: 1, every: '1h' } }));
    await open({ limiter, key: () => 'ada', [option]: () => Promise.reject(broken) });
    if (option === 'refuse') await get();
    const answer = await get();
    expect([answer.status, await answer.json()]).toEqual([500, { by: 'error handler' }]);
    expect(app.errors).toEqual([broken]);
  });

  test('a store that is to throw reaches the error handler; one that is to deny is 503', async () => {
    const gone = new Error('gone');
    await open({ limiter: failing(limiterOf(two), gone), key: () => 'ada' });
    const answer = await get();
    expect([answer.status, await answer.json()]).toEqual([500, { by: 'error handler' }]);
    expect(app.errors).toEqual([gone]);
    expect(app.served()).toBe(0);
    await app.close();

    const fail = () => Promise.reject(gone);
    const store = { ...memoryLimitStore(), scope: 'shared' as const, take: fail, takeNow: undefined };
    const { takeNow: _, ...away } = store;
    await open({ limiter: createLimiter({ policy: two, onStoreError: 'deny' }, { store: away }), key: () => 'ada' });
    const denied = await get();
    expect([denied.status, denied.headers.get('retry-after'), denied.headers.has('ratelimit')]).toEqual([
      503,
      '1',
      false,
    ]);
    expect(await denied.json()).toMatchObject({ status: 503, 'violated-policies': [] });
  });

  test('a blocked key is 429 with the time until its block ends', async () => {
    const limiter = limiterOf(two);
    await limiter.block('ada', '90s');
    await open({ limiter, key: () => 'ada', legacyHeaders: true });
    const { status, headers } = await get();
    expect([status, headers.get('retry-after'), headers.get('ratelimit')]).toEqual([429, '90', '"client";r=0;t=90']);
  });

  test('a client that hangs up before its answer frees its slot, and is not forgiven a failure', async () => {
    for (const [policy, left] of [
      [concurrency({ name: 'slots', limit: 2, lease: '1h' }), 2],
      [two, 0],
    ] as const) {
      const limiter = limiterOf(policy);
      const asked = Promise.withResolvers<void>();
      let hasArrived = false;
      await app?.close();
      await open({
        limiter,
        count: 'failed',
        async key() {
          hasArrived = true;
          await asked.promise;
          return 'ada';
        },
      });
      const { port, hostname } = new URL(app.url);
      const socket = connect(Number(port), hostname);
      socket.write('GET /401 HTTP/1.1\r\nHost: x\r\n\r\n');
      await expect.poll(() => hasArrived).toBe(true);
      const closed = once(socket, 'close');
      socket.destroy();
      await closed;
      asked.resolve();
      await expect.poll(() => app.served()).toBe(1);
      expect((await get({}, '401')).status).toBe(401);
      await expect.poll(async () => (await limiter.peek('ada')).remaining).toBe(left);
    }
  });
});
