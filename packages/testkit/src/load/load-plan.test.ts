import { expect, test } from 'vitest';
import { checkPlan, redirectsSeen } from './load-plan.ts';
import { openLoad } from './open-load.ts';
import { requestSource } from './request-source.ts';

const plan = { targets: ['http://127.0.0.1:8080'], requests: [{ path: '/a' }, { path: '/b' }] };

test('load to anywhere but this machine is refused, before anything starts', () => {
  for (const url of [
    'http://example.com',
    'http://10.0.0.1:80',
    'https://127.0.0.1',
    'http://127.0.0.1.example.com',
    'x',
  ]) {
    expect(() => openLoad({ url, requests: ['/'] }), url).toThrow(
      url.includes('https') || url === 'x' ? 'http: URL' : 'this machine',
    );
  }
  for (const url of ['http://127.0.0.1:1', 'http://localhost:1', 'http://[::1]:1'])
    checkPlan({ ...plan, targets: [url] });
});

test('everything that is wrong with a plan is told at once', () => {
  const wrong = { targets: [], requests: [{ path: 'no slash' }], connections: 0, rate: -1 };
  expect(() => checkPlan(wrong)).toThrow(/targets[\s\S]*requests\[0\].path[\s\S]*connections[\s\S]*rate/);
});

test('requests take turns, and so do the clients', () => {
  const next = requestSource({ ...plan, clients: 3 });
  const texts = [0, 1, 2, 3].map((number) => next(number, 'h').text);
  expect(texts.map((text) => text.split(' ')[1])).toEqual(['/a', '/b', '/a', '/b']);
  expect(texts.map((text) => /X-Forwarded-For: (\S+)/.exec(text)?.[1])).toEqual([
    '10.0.0.0',
    '10.0.0.1',
    '10.0.0.2',
    '10.0.0.0',
  ]);
});

test('a template is filled with the number of the request, and its length is right', () => {
  const next = requestSource({
    ...plan,
    requests: [{ method: 'POST', path: '/{{n}}', body: 'é{{n}}', headers: { A: '{{n}}' } }],
  });
  const { text } = next(12, 'h:1');
  const bytes = Buffer.from(text, 'latin1').toString('utf8');
  expect(bytes).toBe('POST /12 HTTP/1.1\r\nHost: h:1\r\nContent-Length: 4\r\nA: 12\r\n\r\né12');
});

test('random orders are the same for the same seed, and prefer the first by Zipf', () => {
  const draw = (seed: number) => {
    const requests = Array.from({ length: 100 }, (_, i) => ({ path: `/${i}` }));
    const next = requestSource({ ...plan, requests, order: 'zipf', seed });
    return Array.from({ length: 2_000 }, (_, i) => next(i, 'h').index);
  };
  expect(draw(7)).toEqual(draw(7));
  expect(draw(7)).not.toEqual(draw(8));
  // 1 / (1 + 1/2 + ... + 1/100) of 2,000 is 386; 6 standard deviations are 105.
  const first = draw(7).filter((index) => index === 0).length;
  expect(first).toBeGreaterThan(386 - 105);
  expect(first).toBeLessThan(386 + 105);
});

test('redirects are summed per server, with both edges of the window', () => {
  const redirects = {
    a: [
      [900, 1],
      [1_000, 2],
      [1_100, 4],
      [1_101, 8],
    ],
    b: [[1_050, 16]],
  } as const;
  expect(redirectsSeen({ redirects }, { server: 'a', fromMs: 1_000, untilMs: 1_100 })).toBe(6);
  expect(redirectsSeen({ redirects }, { fromMs: 1_000, untilMs: 1_100 })).toBe(22);
  expect(redirectsSeen({ redirects }, { server: 'c', fromMs: 1_000, untilMs: 1_100 })).toBe(0);
});
